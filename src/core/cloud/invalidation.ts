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
    const bits = held[word] ?? 0;
    if (bits === 0xffff_ffff) continue;
    for (let offset = word * 32; offset < word * 32 + 32; offset++) {
      if (page.entries[offset] !== UNMAPPED && ((bits >>> (offset & 31)) & 1) === 0) setEntry(page, offset, UNMAPPED);
    }
  }
  return before - page.mapped;
}

/** True when phase 1 would change the page: a page that stays need not be copied and written again. */
export function needsInvalidation(page: VmapPage, held: Uint32Array): boolean {
  for (let word = 0; word < VMAP_PAGE_WORDS; word++) {
    const bits = held[word] ?? 0;
    if (bits === 0xffff_ffff) continue;
    for (let offset = word * 32; offset < word * 32 + 32; offset++) {
      if (page.entries[offset] !== UNMAPPED && ((bits >>> (offset & 31)) & 1) === 0) return true;
    }
  }
  return false;
}
