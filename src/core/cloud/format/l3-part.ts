/**
 * Core, format: one part of a snapshot's L3 file: inodes in ascending order, each with the PVBNs of its topmost
 * blocks.
 */

import { CloudError } from '../../../errors.ts';
import { LEVELS, type Level } from '../block-numbers.ts';
import type { InodeRoot } from '../inode-root.ts';
import { getU64, putNumbers, setU64, takeNumbers, toHex, viewOf } from './binary.ts';
import { factsOf } from './header.ts';
import { digestOf, openRecord, sealRecord } from './record.ts';
import type { FormatTools, WriteOptions } from './tools.ts';

const ROW_BYTES = 32;

/** Bytes of the body that an inode takes. */
export function l3BytesOf({ topmost }: InodeRoot): number {
  return ROW_BYTES + 8 * topmost.length;
}

/** @param inodes with PVBNs, ascending */
export function encodeL3Part(
  inodes: readonly InodeRoot[],
  identity: { readonly endpointId: Uint8Array; readonly snapshotId: number; readonly part: number },
  tools: FormatTools,
  options: WriteOptions = {},
): { readonly bytes: Uint8Array; readonly digest: string } {
  const body = new Uint8Array(inodes.reduce((sum, inode) => sum + l3BytesOf(inode), 0));
  const view = viewOf(body);
  let at = 0;
  for (const inode of inodes) {
    setU64(view, at, inode.number);
    setU64(view, at + 8, inode.generation);
    setU64(view, at + 16, inode.sizeBytes);
    view.setUint32(at + 24, inode.topmost.length, true);
    view.setUint8(at + 28, inode.height);
    putNumbers(inode.topmost, body, at + ROW_BYTES);
    at += l3BytesOf(inode);
  }
  const { endpointId, snapshotId, part } = identity;
  const bytes = sealRecord({ kind: 'l3-part', endpointId, id: snapshotId, part }, body, tools, options);
  return { bytes, digest: toHex(digestOf(bytes)) };
}

/** @throws CloudError `CLOUD_CORRUPT`, `CLOUD_FORMAT_VERSION`, `CLOUD_KEY_WRONG` */
export function decodeL3Part(
  bytes: Uint8Array,
  identity: { readonly endpointId: Uint8Array; readonly snapshotId: number; readonly part: number },
  tools: FormatTools,
): { readonly inodes: InodeRoot[]; readonly digest: string } {
  const { endpointId, snapshotId, part } = identity;
  const { body, digest } = openRecord(bytes, { kind: 'l3-part', endpointId, id: snapshotId, part }, tools);
  const view = viewOf(body);
  const inodes: InodeRoot[] = [];
  for (let at = 0; at < body.length; ) {
    const count = at + ROW_BYTES <= body.length ? view.getUint32(at + 24, true) : Number.POSITIVE_INFINITY;
    const end = at + ROW_BYTES + 8 * count;
    const height = end <= body.length ? view.getUint8(at + 28) : LEVELS.length;
    if (height >= LEVELS.length) {
      throw new CloudError('CLOUD_CORRUPT', `part ${part} of the L3 file of snapshot ${snapshotId} is made wrongly`, {
        ...factsOf({ kind: 'l3-part', id: snapshotId }),
      });
    }
    inodes.push({
      number: getU64(view, at),
      generation: getU64(view, at + 8),
      sizeBytes: getU64(view, at + 16),
      height: height as Level,
      topmost: takeNumbers(body, at + ROW_BYTES, count),
    });
    at = end;
  }
  return { inodes, digest: toHex(digest) };
}
