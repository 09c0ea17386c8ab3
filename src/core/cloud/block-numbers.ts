/**
 * Core: the numbers of blocks and objects, and their limits. Every one of them is a safe integer, so that it survives
 * a Float64Array, JSON and a worker's message without losing a bit.
 */

/** Bytes of a level 0 block. */
export const BLOCK_BYTES = 4096;
/** Slots that an object id stands for in a PVBN; an object never has more. */
export const SLOTS_PER_OBJECT = 1024;
/** What an object holds at most, before compression. */
export const OBJECT_BYTES = 4 * 1024 * 1024;
/** 2^43 - 1 objects of 4 MiB: 32 EiB over the life of an endpoint, for ids are never used twice. */
export const MAX_OBJECT_ID = 2 ** 43 - 1;
/** 2^48 - 1 blocks of 4 KiB: 1 EiB in one volume. */
export const MAX_VVBN = 2 ** 48 - 1;

/** Stands for a block that is not mapped, as VVBN and as PVBN. */
export const HOLE = 0;

/** 0 = user data and metafile content, 1 = pointers to level 0, 2 = pointers to level 1. */
export type Level = 0 | 1 | 2;
export const LEVELS = [0, 1, 2] as const satisfies readonly Level[];

declare const objectIdBrand: unique symbol;
/** From 1 to MAX_OBJECT_ID. Snapshots take their ids from the same numbers. */
export type ObjectId = number & { readonly [objectIdBrand]: true };

declare const pvbnBrand: unique symbol;
/** A block's number in the cloud: object id * 1024 + slot. It never changes once given. */
export type Pvbn = number & { readonly [pvbnBrand]: true };

export function pvbnOf(objectId: number, slot: number): Pvbn {
  return (objectId * SLOTS_PER_OBJECT + slot) as Pvbn;
}

export function objectIdOf(pvbn: number): ObjectId {
  return Math.floor(pvbn / SLOTS_PER_OBJECT) as ObjectId;
}

export function slotOf(pvbn: number): number {
  return pvbn % SLOTS_PER_OBJECT;
}

/** Bytes of one slot: a data block, or eight bytes for each pointer of an indirect block. */
export function slotBytesOf(level: Level, pointersPerBlock: number): number {
  return level === 0 ? BLOCK_BYTES : 8 * pointersPerBlock;
}

/** Slots that an object of such blocks has at most: 1024, and never more than 4 MiB. */
export function slotsPerObject(slotBytes: number): number {
  return Math.max(1, Math.min(SLOTS_PER_OBJECT, Math.floor(OBJECT_BYTES / slotBytes)));
}
