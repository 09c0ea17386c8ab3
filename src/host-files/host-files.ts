/**
 * Port (layer 2): files and devices of this host, read and written by ranges. Every method may throw TransferError
 * `TRANSFER_HOST_FILE`, with the operating system's own word in `details.errno`.
 */

/** What a path leads to. Size in bytes, of a device too. */
export interface HostFile {
  readonly kind: 'file' | 'device' | 'other';
  readonly sizeBytes: number;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
}

/** An open file or device. */
export interface OpenHostFile {
  readonly sizeBytes: number;
  /** Fewer bytes than asked for at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Makes a file that long. */
  truncate(sizeBytes: number): Promise<void>;
  /** Resolves when what was written survives a loss of power. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A SHA-256 on its way. */
export interface RunningDigest {
  update(bytes: Uint8Array): void;
  /** In hexadecimal digits. */
  digest(): string;
}

/** Files and devices of this host; see the top of the file. */
export interface HostFiles {
  look(path: string): Promise<HostFile | undefined>;
  /** @param mode `create` makes a file where there is none; devices are there already */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<OpenHostFile>;
  /** Never over another file: that is `TRANSFER_DESTINATION_EXISTS`. It survives a loss of power when this resolves. */
  rename(path: string, to: string): Promise<void>;
  /** A file that is gone already is removed. */
  remove(path: string): Promise<void>;
  sha256(): RunningDigest;
}
