/** Core, phase 5 (PVBN fixup): once an object is durable, the Pending entries of its blocks get their PVBNs. */
import { InternalError } from '../../errors.ts';
import { pvbnOf } from './block-numbers.ts';
import type { ObjectContent } from './format/object.ts';
import { pageNumberOf, pendingEntry, setEntry, VMAP_PAGE_ENTRIES, type Vmap } from './vmap.ts';

/** @throws InternalError when one of the blocks did not wait at the object's level: nothing is changed from there on */
export function fixUp(
  vmap: Vmap,
  { objectId, level, vvbns }: Pick<ObjectContent, 'objectId' | 'level' | 'vvbns'>,
): void {
  const waiting = pendingEntry(level);
  for (let slot = 0; slot < vvbns.length; slot++) {
    const vvbn = vvbns[slot] ?? 0;
    const page = vmap.pageToWrite(pageNumberOf(vvbn));
    const offset = vvbn % VMAP_PAGE_ENTRIES;
    if (page.entries[offset] !== waiting) {
      throw new InternalError(`block ${vvbn} of object ${objectId} does not wait for a PVBN at level ${level}`);
    }
    setEntry(page, offset, pvbnOf(objectId, slot));
  }
}
