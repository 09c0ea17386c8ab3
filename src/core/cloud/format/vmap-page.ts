/** Core, format: a page of the VMAP as kept in state: 4096 entries of eight bytes, with a strong hash. */
import { pageOfEntries, VMAP_PAGE_ENTRIES, type VmapPage } from '../vmap.ts';
import { putNumbers, takeNumbers } from './binary.ts';
import { misplaced } from './header.ts';
import { openRecord, sealRecord } from './record.ts';
import type { FormatTools, WriteOptions } from './tools.ts';

const BODY_BYTES = 8 * VMAP_PAGE_ENTRIES;

/** @param transfer number of the take-over under which the transfer that writes the page runs */
export function encodeVmapPage(
  page: VmapPage,
  transfer: number,
  endpointId: Uint8Array,
  tools: FormatTools,
  options: WriteOptions = {},
): Uint8Array {
  const body = new Uint8Array(BODY_BYTES);
  putNumbers(page.entries, body, 0);
  const identity = { kind: 'vmap-page', endpointId, id: page.number, part: 0 } as const;
  return sealRecord(identity, body, tools, { ...options, stamp: transfer });
}

/** @throws CloudError `CLOUD_CORRUPT`, `CLOUD_FORMAT_VERSION`, `CLOUD_KEY_WRONG` */
export function decodeVmapPage(
  bytes: Uint8Array,
  number: number,
  endpointId: Uint8Array,
  tools: FormatTools,
): { readonly page: VmapPage; readonly transfer: number } {
  const identity = { kind: 'vmap-page', endpointId, id: number, part: 0 } as const;
  const { body, stamp } = openRecord(bytes, identity, tools);
  if (body.length !== BODY_BYTES) throw misplaced(identity, 'made wrongly');
  return { page: pageOfEntries(number, takeNumbers(body, 0, VMAP_PAGE_ENTRIES)), transfer: stamp };
}
