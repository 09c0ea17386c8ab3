/**
 * Core, format: one part of a snapshot's object-id bitmap: pages of the bitmap, ascending, each with its number
 * before it.
 */
import { ID_PAGE_IDS, type ObjectIdPage } from '../object-ids.ts';
import { getU64, setU64, toHex, viewOf } from './binary.ts';
import { misplaced } from './header.ts';
import { digestOf, openRecord, sealRecord } from './record.ts';
import type { FormatTools, WriteOptions } from './tools.ts';

/** Pages in a part at most: 1 MiB before compression. */
export const ID_PAGES_PER_PART = 256;
const PAGE_BYTES = ID_PAGE_IDS / 8;
const ROW_BYTES = 8 + PAGE_BYTES;

export function encodeObjectIdPart(
  pages: readonly ObjectIdPage[],
  identity: { readonly endpointId: Uint8Array; readonly snapshotId: number; readonly part: number },
  tools: FormatTools,
  options: WriteOptions = {},
): { readonly bytes: Uint8Array; readonly digest: string } {
  const body = new Uint8Array(pages.length * ROW_BYTES);
  const view = viewOf(body);
  pages.forEach(({ number, words }, row) => {
    setU64(view, row * ROW_BYTES, number);
    for (let at = 0; at < words.length; at++) view.setUint32(row * ROW_BYTES + 8 + 4 * at, words[at] ?? 0, true);
  });
  const { endpointId, snapshotId, part } = identity;
  const bytes = sealRecord({ kind: 'object-id-part', endpointId, id: snapshotId, part }, body, tools, options);
  return { bytes, digest: toHex(digestOf(bytes)) };
}

/** @throws CloudError `CLOUD_CORRUPT`, `CLOUD_FORMAT_VERSION`, `CLOUD_KEY_WRONG` */
export function decodeObjectIdPart(
  bytes: Uint8Array,
  identity: { readonly endpointId: Uint8Array; readonly snapshotId: number; readonly part: number },
  tools: FormatTools,
): { readonly pages: ObjectIdPage[]; readonly digest: string } {
  const { endpointId, snapshotId, part } = identity;
  const of = { kind: 'object-id-part', endpointId, id: snapshotId, part } as const;
  const { body, digest } = openRecord(bytes, of, tools);
  if (body.length % ROW_BYTES !== 0) throw misplaced(of, 'made wrongly');
  const view = viewOf(body);
  const pages: ObjectIdPage[] = [];
  for (let row = 0; row < body.length; row += ROW_BYTES) {
    const words = new Uint32Array(PAGE_BYTES / 4);
    for (let at = 0; at < words.length; at++) words[at] = view.getUint32(row + 8 + 4 * at, true);
    pages.push({ number: getU64(view, row), words });
  }
  return { pages, digest: toHex(digest) };
}
