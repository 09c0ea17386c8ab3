/** Object stores, and what can be put around them: `ontap-data-motion/object-store`. */
export { type CountedObjectStore, counted, type ObjectStoreCounts } from './counted.ts';
export { FilesystemObjectStore, type FilesystemObjectStoreOptions } from './filesystem.ts';
export { type LockingOptions, locking } from './locking.ts';
export { MemoryObjectStore } from './memory.ts';
export {
  type ByteRange,
  checkKey,
  compareKeys,
  type GetOptions,
  MAX_KEY_BYTES,
  type ObjectBody,
  type ObjectInfo,
  type ObjectLister,
  type ObjectLocks,
  type ObjectReader,
  type ObjectStore,
  type ObjectStoreCapabilities,
  type ObjectStoreOptions,
  type ObjectWriter,
  type PutOptions,
  type ResolvedRange,
  resolveRange,
  type SweepOptions,
  type SweepResult,
} from './object-store.ts';
export { openObjectStore } from './open.ts';
export { type RetryOptions, retrying } from './retrying.ts';
export { type ThrottleOptions, throttled } from './throttled.ts';
