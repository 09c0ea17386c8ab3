/**
 * Small files of the state: a header of 48 bytes, then the content. The header's SHA-256 covers the rest of it, the content,
 * and what the file is meant to be (whose, of which kind, of which name), so that no other file passes for it.
 *
 * | offset | bytes | |
 * |---|---|---|
 * | 0 | 4 | `DMST` |
 * | 4 | 4 | format version |
 * | 8 | 8 | length of the content |
 * | 16 | 32 | SHA-256 of the meaning, the 16 bytes before, the content |
 */
import { createHash } from 'node:crypto';
import type { Disk } from '../disk/disk.ts';
import { readWholeFile } from '../disk/durable-files.ts';
import { StateError } from '../errors.ts';
import { corrupt, onStateFile } from './state-disk-errors.ts';

export const STATE_FORMAT_VERSION = 1;

/** What a file is meant to be: `['document', endpoint, name]`. */
export type Meaning = readonly string[];

export function framed(meaning: Meaning, content: Uint8Array): readonly Uint8Array[] {
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  head.set(MAGIC);
  view.setUint32(4, STATE_FORMAT_VERSION);
  view.setBigUint64(8, BigInt(content.length));
  return [head, digest(meaning, head, content), content];
}

/**
 * The content of a framed file, `undefined` if there is no file.
 * @throws StateError `STATE_CORRUPT`, `STATE_FORMAT_VERSION`
 */
export async function readFramed(disk: Disk, file: string, meaning: Meaning): Promise<Uint8Array | undefined> {
  const bytes = await onStateFile('read the state', file, () => readWholeFile(disk, file));
  return bytes === undefined ? undefined : unframed(file, meaning, bytes);
}

function unframed(file: string, meaning: Meaning, bytes: Uint8Array): Uint8Array {
  const head = bytes.subarray(0, HEAD_BYTES);
  const content = bytes.subarray(HEAD_BYTES + DIGEST_BYTES);
  if (bytes.length < HEAD_BYTES + DIGEST_BYTES || !MAGIC.every((byte, at) => head[at] === byte)) {
    throw corrupt(file, 'this is no file of the state');
  }
  const view = new DataView(head.buffer, head.byteOffset);
  const version = view.getUint32(4);
  const intact = digest(meaning, head, content).equals(bytes.subarray(HEAD_BYTES, HEAD_BYTES + DIGEST_BYTES));
  if (version > STATE_FORMAT_VERSION) {
    throw new StateError(
      'STATE_FORMAT_VERSION',
      `${file} has format ${version}, this release knows ${STATE_FORMAT_VERSION}`,
      {
        file,
        remedy: 'Use the release that wrote it, or a newer one.',
      },
    );
  }
  if (!intact || view.getBigUint64(8) !== BigInt(content.length))
    throw corrupt(file, 'the content is not what was written');
  return content;
}

function digest(meaning: Meaning, head: Uint8Array, content: Uint8Array): Buffer {
  return createHash('sha256').update(JSON.stringify(meaning)).update(head).update(content).digest();
}

const MAGIC = new TextEncoder().encode('DMST');
const HEAD_BYTES = 16;
const DIGEST_BYTES = 32;
