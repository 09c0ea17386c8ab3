/**
 * Port (layer 2): the file operations that crash-safe adapters are made of, as POSIX gives them: what was written is
 * certain to outlive a loss of power only after `sync` of the file, and a name (made, linked, renamed, removed) only after
 * `syncFolder` of the folder that it is in. Failures are errors with the errno name in `code` (`ENOSPC`).
 */

export interface Disk {
  /** `create` makes a new file (EEXIST if there is one) and opens it for reading and writing, as `write` does an old one. */
  open(path: string, access: 'read' | 'write' | 'create'): Promise<DiskFile>;
  /** A second name for the file; EEXIST if the name is taken, atomically. */
  link(path: string, newPath: string): Promise<void>;
  /** Atomically in the place of what has the new name, if anything. */
  rename(path: string, newPath: string): Promise<void>;
  /** Removes the name of a file. */
  remove(path: string): Promise<void>;
  /** One level; EEXIST if the name is taken. */
  makeFolder(path: string): Promise<void>;
  listFolder(path: string): Promise<readonly FolderEntry[]>;
  stat(path: string): Promise<FileFacts>;
  syncFolder(path: string): Promise<void>;
}

export interface DiskFile {
  /** Fills the buffer from this position on; gives fewer bytes than asked for only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes all parts, one behind the other, from this position on. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  /** Content and size. */
  sync(): Promise<void>;
  stat(): Promise<FileFacts>;
  close(): Promise<void>;
}

export interface FolderEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
}

export interface FileFacts {
  readonly sizeBytes: number;
  /** How many names the file has. */
  readonly links: number;
}

/** The errno name of a failed operation. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
