/**
 * Port (layer 2): what one SVM's storage does with files, LUNs, namespaces and volumes: find, clone, copy, move, rename, delete, and
 * read and write ranges of files. Its contract is that of `OntapSvm`; changes that name a job are finished with `OntapSvm.finish`.
 */
import type { Change, ChangeOptions, PortOptions } from './ontap-svm.ts';

/** Most bytes that one request reads or writes. */
export const MOST_BYTES_AT_ONCE = 2 ** 20;

/** A file, folder or link in a volume. Size in bytes. */
export interface StoredFile {
  /** `file`, `directory`, `symlink`, or another of ONTAP's words. */
  readonly type: string;
  readonly sizeBytes: number;
  /** Epoch milliseconds; absent where ONTAP does not say. */
  readonly modifiedAt?: number | undefined;
  /** Changes when a name is given to another file. */
  readonly inode?: number | undefined;
}

/** What is addressed by `/vol/VOLUME/PATH`. */
export const UNIT_KINDS = ['lun', 'namespace'] as const;
/** One of `UNIT_KINDS`. */
export type UnitKind = (typeof UNIT_KINDS)[number];

/** How far the storage's own copying is: ONTAP's states, and whether it goes on by itself. */
export interface CopyProgress {
  readonly state: string;
  readonly percentComplete: number;
  /** The other end, by its name. */
  readonly source?: string | undefined;
  readonly failure?: { readonly code?: string | undefined; readonly message: string } | undefined;
}

/** A LUN or an NVMe namespace. Size in bytes. */
export interface StoredUnit {
  readonly uuid: string;
  /** `/vol/VOLUME/PATH` */
  readonly name: string;
  readonly sizeBytes: number;
  readonly usedBytes?: number | undefined;
  /** A host has access to it. */
  readonly mapped: boolean;
  /** The copy that made it, while ONTAP remembers. */
  readonly copy?: CopyProgress | undefined;
  /** The move that brought it where it is, while ONTAP remembers. */
  readonly movement?: CopyProgress | undefined;
}

/** A move of a volume to other aggregates. */
export interface VolumeMovement {
  /** ONTAP's word: `replicating`, `cutover`, `success`, `failed`, `aborted` and others. */
  readonly state: string;
  readonly percentComplete: number;
  readonly destination?: string | undefined;
}

/** Whether a volume is a clone, and how far its splitting off is. */
export interface CloneState {
  readonly isClone: boolean;
  readonly splitting: boolean;
  readonly splitPercent?: number | undefined;
}

/** One file, by SVM and volume. */
export interface FilePlace {
  readonly svm: string;
  readonly volume: string;
  /** Relative to the root of the volume. */
  readonly path: string;
}

/** One SVM's storage; see the top of the file. */
export interface OntapStorage {
  readonly backend: string;
  readonly cluster: string;
  readonly svm: string;

  /** What a path of a volume leads to. */
  file(volumeUuid: string, path: string, options?: PortOptions): Promise<StoredFile | undefined>;
  /** At most `MOST_BYTES_AT_ONCE`; fewer than asked for at the end of the file. */
  readFile(volumeUuid: string, path: string, range: ByteRange, options?: PortOptions): Promise<Uint8Array>;
  /** Makes a file, with its first bytes; what is there of that name is written over. */
  createFile(volumeUuid: string, path: string, bytes: Uint8Array, options?: PortOptions): Promise<void>;
  /** Writes at an offset of a file that is there. */
  writeFile(
    volumeUuid: string,
    path: string,
    at: { readonly offset: number; readonly bytes: Uint8Array },
    options?: PortOptions,
  ): Promise<void>;
  /** Never over another file: that is `ONTAP_EXISTS`. */
  renameFile(volumeUuid: string, path: string, to: string, options?: PortOptions): Promise<void>;
  /** A file that is gone already is deleted. */
  deleteFile(volumeUuid: string, path: string, options?: PortOptions): Promise<void>;
  /** Within one volume; the clone shares the blocks of the file. */
  cloneFile(
    spec: {
      readonly volume: string;
      readonly volumeUuid: string;
      readonly source: string;
      readonly destination: string;
    },
    options?: ChangeOptions,
  ): Promise<Change>;
  /** The cluster copies a file into this SVM from one of its SVMs. `ONTAP_BUSY` when it runs as many copies as it may (7018877). */
  copyFile(source: FilePlace, destination: FilePlace, options?: ChangeOptions): Promise<Change>;

  /** The LUN or namespace of that name in this SVM. */
  unit(kind: UnitKind, name: string, options?: PortOptions): Promise<StoredUnit | undefined>;
  /** Within one volume; the clone shares the blocks of the unit. */
  cloneUnit(kind: UnitKind, source: string, destination: string, options?: PortOptions): Promise<void>;
  /**
   * The cluster copies a LUN into this SVM; the copy is there at once, and its data follow (`StoredUnit.copy`).
   * @param source.svm as this SVM's peering calls it; left out within the SVM
   */
  copyLun(
    source: { readonly svm?: string | undefined; readonly name: string },
    destination: string,
    options?: PortOptions,
  ): Promise<void>;
  /** Renames within the volume. A LUN that is given a name in another volume moves there, and its data follow (`movement`). */
  renameUnit(kind: UnitKind, uuid: string, to: string, options?: PortOptions): Promise<void>;
  /** Refused while a host has access to it. One that is gone already is deleted. */
  deleteUnit(kind: UnitKind, uuid: string, options?: PortOptions): Promise<void>;
  /** Copies and moves of LUNs that run in what this account sees. */
  runningCopies(options?: PortOptions): Promise<number>;

  /** Moves a volume to another aggregate while its clients go on. */
  moveVolume(uuid: string, aggregate: string, options?: ChangeOptions): Promise<Change>;
  /** The last move of the volume; undefined when there was none. */
  volumeMovement(uuid: string, options?: PortOptions): Promise<VolumeMovement | undefined>;
  /** Ends a move before its cutover; the volume stays where it was. */
  abortVolumeMove(uuid: string, options?: PortOptions): Promise<void>;
  /** Gives an unmounted volume of this SVM to another one of the cluster. For cluster accounts. */
  rehostVolume(volume: string, toSvm: string, options?: PortOptions): Promise<void>;
  /** Clones a volume as it is now. */
  cloneVolumeNow(
    spec: { readonly name: string; readonly parentVolume: string; readonly comment: string },
    options?: ChangeOptions,
  ): Promise<Change>;
  /** Whether a volume is a FlexClone, and how far its split is. */
  cloneState(uuid: string, options?: PortOptions): Promise<CloneState>;
  /** Begins to give a clone blocks of its own. */
  splitClone(uuid: string, options?: ChangeOptions): Promise<Change>;
  /** Asks a job to end; one that is over already has. */
  cancelJob(uuid: string, options?: PortOptions): Promise<void>;
}

/** A part of a file, in bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}
