/** Adapter: records of operations as bytes. Version and shape are checked where they are read, so that no other journal passes for one. */
import type { OperationRecord } from '../core/failover/journal-record.ts';
import { StateError } from '../errors.ts';
import { corrupt } from './state-disk-errors.ts';

const VERSION = 1;

export function encodeRecord(record: OperationRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, ...record }));
}

/** @throws StateError `STATE_CORRUPT`, `STATE_FORMAT_VERSION` */
export function decodeRecord(bytes: Uint8Array, file: string): OperationRecord {
  const read: unknown = parse(bytes);
  if (!isRecord(read)) throw corrupt(file, 'a record of the journal is none of an operation');
  const { version, ...record } = read;
  if (version !== VERSION) {
    const message = `${file} has records of version ${version}, this release knows ${VERSION}`;
    throw new StateError('STATE_FORMAT_VERSION', message, {
      file,
      remedy: 'Use the release that wrote it, or a newer one.',
    });
  }
  return record as OperationRecord;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function isRecord(read: unknown): read is Record<string, unknown> & { readonly version: number } {
  if (typeof read !== 'object' || read === null) return false;
  const { version, kind, operation } = read as Record<string, unknown>;
  return typeof version === 'number' && typeof kind === 'string' && typeof operation === 'string';
}
