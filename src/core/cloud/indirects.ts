/**
 * Core: indirect blocks as stored. A populated L1 holds the PVBNs of its L0 blocks, a populated L2 those of its L1
 * blocks, eight bytes each, little endian, 0 for a hole. An unchanged subtree costs nothing: its topmost block is in
 * the VMAP, and what points at it needs only that entry.
 */
import { InternalError } from '../../errors.ts';
import { HOLE } from './block-numbers.ts';
import { putNumbers, takeNumbers } from './format/binary.ts';
import { isActual, lookUp, type Vmap } from './vmap.ts';

/** PVBNs in place of VVBNs; holes stay holes. @throws InternalError for a block that has no PVBN yet */
export function toPvbns(vmap: Vmap, vvbns: Float64Array): Float64Array {
  const pvbns = lookUp(vmap, vvbns);
  for (let at = 0; at < pvbns.length; at++) {
    if (vvbns[at] === HOLE || isActual(pvbns[at] ?? 0)) continue;
    throw new InternalError(`block ${vvbns[at]} has no PVBN yet, and something that points at it is to be stored`);
  }
  return pvbns;
}

/**
 * The content of a batch of indirect blocks as stored.
 * @param pointers the VVBNs that they hold, `pointersPerBlock` of each, one block after the other
 */
export function populate(vmap: Vmap, pointers: Float64Array): Uint8Array {
  const blocks = new Uint8Array(8 * pointers.length);
  putNumbers(toPvbns(vmap, pointers), blocks, 0);
  return blocks;
}

/** The PVBNs in one or more populated indirect blocks. @throws CloudError `CLOUD_CORRUPT` */
export function readPopulated(blocks: Uint8Array): Float64Array {
  return takeNumbers(blocks, 0, blocks.length / 8);
}
