/**
 * Core: a lost VMAP from the object store alone. The trees of the newest snapshot say which PVBNs are in use; the heads
 * of their objects say which VVBN each slot was packed for. No data is read. A slot whose VVBN has since been given to
 * other content is not reached by the trees, so it cannot come back.
 */
import { CloudError } from '../../errors.ts';
import { HOLE, objectIdOf, slotOf } from './block-numbers.ts';
import type { ObjectHead } from './format/object.ts';
import { SHORT_DIGEST_BYTES } from './format/tools.ts';
import { pageNumberOf, setEntry, UNMAPPED, VMAP_PAGE_ENTRIES, type Vmap } from './vmap.ts';

/**
 * The VVBNs of these PVBNs, HOLE for holes.
 * @param heads those of every object named
 * @throws CloudError `CLOUD_CORRUPT`
 */
export function vvbnsOf(pvbns: Float64Array, heads: ReadonlyMap<number, ObjectHead>): Float64Array {
  return pvbns.map((pvbn) => {
    if (pvbn === HOLE) return HOLE;
    const vvbn = heads.get(objectIdOf(pvbn))?.vvbns[slotOf(pvbn)] ?? HOLE;
    if (vvbn !== HOLE) return vvbn;
    throw new CloudError('CLOUD_CORRUPT', `object ${objectIdOf(pvbn)} has no block in slot ${slotOf(pvbn)}`, {
      objectId: objectIdOf(pvbn),
    });
  });
}

/**
 * Enters blocks that the trees reach. Gives how many were not there before.
 * @throws CloudError `CLOUD_CORRUPT` when two blocks in use claim one VVBN
 */
export function enterBlocks(vmap: Vmap, vvbns: Float64Array, pvbns: Float64Array): number {
  let entered = 0;
  for (let at = 0; at < vvbns.length; at++) {
    const vvbn = vvbns[at] ?? HOLE;
    const pvbn = pvbns[at] ?? HOLE;
    if (vvbn === HOLE) continue;
    const page = vmap.pageToWrite(pageNumberOf(vvbn));
    const before = page.entries[vvbn % VMAP_PAGE_ENTRIES] ?? UNMAPPED;
    if (before !== UNMAPPED && before !== pvbn) {
      throw new CloudError('CLOUD_CORRUPT', `block ${vvbn} of the source is stored twice, as ${before} and ${pvbn}`, {
        objectId: objectIdOf(pvbn),
      });
    }
    if (before !== UNMAPPED) continue;
    setEntry(page, vvbn % VMAP_PAGE_ENTRIES, pvbn);
    entered++;
  }
  return entered;
}

/**
 * The first 16 bytes of the hash of the block that each PVBN names, as the heads have them, one after the other.
 * @param heads those of every object named, with no hole among the PVBNs
 */
export function digestsOf(pvbns: Float64Array, heads: ReadonlyMap<number, ObjectHead>): Uint8Array {
  const digests = new Uint8Array(pvbns.length * SHORT_DIGEST_BYTES);
  pvbns.forEach((pvbn, at) => {
    const from = slotOf(pvbn) * SHORT_DIGEST_BYTES;
    const head = heads.get(objectIdOf(pvbn));
    digests.set(head?.blockDigests.subarray(from, from + SHORT_DIGEST_BYTES) ?? [], at * SHORT_DIGEST_BYTES);
  });
  return digests;
}
