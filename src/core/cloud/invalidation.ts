/**
 * Core, phase 1 (incremental transfers only): every VVBN that the backup snapshot does not hold leaves the VMAP. What
 * stays is held by the base and by the backup snapshot, so its content is the one that was uploaded.
 */
import { setEntry, UNMAPPED, VMAP_PAGE_WORDS, type VmapPage } from './vmap.ts';

/**
 * Works on one page, in place.
 * @param held bits over the page's VVBNs, the lowest in the lowest bit, of all levels: set when the backup snapshot holds it
 * @returns how many entries went
 */
export function invalidatePage(page: VmapPage, held: Uint32Array): number {
  const before = page.mapped;
  for (let word = 0; word < VMAP_PAGE_WORDS && page.mapped > 0; word++) {
    for (let absent = ~(held[word] ?? 0); absent !== 0; absent &= absent - 1) {
      const offset = word * 32 + (31 - Math.clz32(absent & -absent));
      if (page.entries[offset] !== UNMAPPED) setEntry(page, offset, UNMAPPED);
    }
  }
  return before - page.mapped;
}

/** True when phase 1 would change the page: a page that stays need not be copied and written again. */
export function needsInvalidation(page: VmapPage, held: Uint32Array): boolean {
  for (let word = 0; word < VMAP_PAGE_WORDS; word++) {
    for (let absent = ~(held[word] ?? 0); absent !== 0; absent &= absent - 1) {
      if (page.entries[word * 32 + (31 - Math.clz32(absent & -absent))] !== UNMAPPED) return true;
    }
  }
  return false;
}
