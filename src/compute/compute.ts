/**
 * Port (layer 2): the work of SnapMirror Cloud that takes processor time: hashing, compressing, encrypting, and their
 * reverse. A call is a batch: the blocks of an object, the groups of an object, the pieces of a buffer. Where it runs (in
 * this thread or in others) is the adapter's. test/compute/contract.ts is this contract as runnable data.
 *
 * Contract:
 * - The result is a function of the arguments alone, but for the nonces of an encryption.
 * - Byte arrays that span their whole ArrayBuffer are handed over: the call may leave them detached, whether it succeeds
 *   or not. Views of a part of a buffer, and of a SharedArrayBuffer, stay the caller's, and must not change until the call
 *   settles. VVBNs are never detached.
 * - Calls may overlap; what is beyond `concurrency` waits for its turn. To keep that many under way is to keep the adapter
 *   busy, and more than that only takes memory.
 * - A signal that is aborted makes the call reject with its reason at once; work that has begun may go on unseen.
 * - A failure of the adapter itself (a thread that ended, a closed adapter) is CloudError `CLOUD_COMPUTE_FAILED`. It
 *   concerns the calls that were under way; the next ones get a new thread.
 */
import type { ObjectContent, ObjectGroup, ObjectHead } from '../core/cloud/format/object.ts';
import type { CipherName, CodecName, HashName } from '../core/cloud/format/tools.ts';

/** Port: hashes and codecs, a batch at a time. */
export interface Compute {
  /** Calls that it works on at a time. */
  readonly concurrency: number;

  /**
   * The first 16 bytes of the strong hash of each piece, one after the other.
   * @param pieces any number of pieces of `pieceBytes` bytes. Never detached
   */
  shortDigests(hash: HashName, pieces: Uint8Array, pieceBytes: number, options?: ComputeOptions): Promise<Uint8Array>;

  /** The bytes to store of an object. */
  encodeObject(content: ObjectContent, how: ObjectEncoding, options?: ComputeOptions): Promise<Uint8Array>;

  /**
   * The blocks of some groups of an object, checked, in the order of the groups: of each what its slots have, zeros where
   * a slot was emptied. With `checkOnly` nothing is given back.
   * @throws CloudError `CLOUD_CORRUPT`, naming the object, when one of them is not what was stored
   */
  decodeGroups(
    head: ObjectHead,
    groups: readonly StoredGroup[],
    how: ObjectDecoding,
    options?: ComputeOptions,
  ): Promise<Uint8Array[]>;

  /** Lets the calls that are under way end, and refuses new ones. Safe to repeat. */
  close(): Promise<void>;
}

export interface ComputeOptions {
  readonly signal?: AbortSignal | undefined;
}

/** How an object is written. Plain data. */
export interface ObjectEncoding extends ObjectSealing {
  /** 16 bytes. */
  readonly endpointId: Uint8Array;
  readonly hash: HashName;
  readonly codec: CodecName;
  /** Of the codec; its default if not given. zstd: 1 to 22, and less than 0 for speed. */
  readonly level?: number | undefined;
  /** Epoch milliseconds until which the store is asked to keep the bytes. */
  readonly lockedUntil?: number | undefined;
}

/** How an object is read. */
export interface ObjectDecoding extends ObjectSealing {
  /** The blocks are not wanted, only whether they are sound. */
  readonly checkOnly?: boolean | undefined;
}

/** Whether and how the objects of an endpoint are encrypted. */
export interface ObjectSealing {
  /** Absent for an endpoint without encryption. */
  readonly encryption?: EncryptionKey | undefined;
}

/** A group and its bytes as they lie in the store. */
export interface StoredGroup {
  readonly group: ObjectGroup;
  readonly stored: Uint8Array;
}

/** The key of an encrypted endpoint; `encryptionKey` makes one of 32 secret bytes. */
export interface EncryptionKey {
  readonly cipher: Exclude<CipherName, 'none'>;
  /** 16 bytes that tell keys apart; public: HKDF-SHA-256 of the key with the info `ontap-data-motion key id`. */
  readonly keyId: Uint8Array;
  /** 32 bytes. */
  readonly key: Uint8Array;
}
