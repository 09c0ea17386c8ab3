import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { check } from '../../../src/core/cloud/check.ts';
import { parseKey } from '../../../src/core/cloud/format/names.ts';
import type { FormatTools } from '../../../src/core/cloud/format/tools.ts';
import { WaflVolume } from '../../../src/core/wafl/volume.ts';
import { CloudError } from '../../../src/errors.ts';
import { TestEndpoint } from './driver.ts';
import { ENDPOINT_ID, plainTools, sealingTools, zstd } from './format-tools.ts';
import { portrait, restore } from './wafl-restore.ts';

const TOOLS: readonly (readonly [string, FormatTools])[] = [
  ['without encryption', plainTools],
  ['with encryption', sealingTools()],
];

describe.each(TOOLS)('a small endpoint of three snapshots, %s', (_, tools) => {
  // The same code looks at both; with encryption one bit of each byte is enough.
  const bits = tools.cipher === undefined ? [1, 2, 4, 8, 16, 32, 64, 128] : [16];
  const { endpoint, portraits } = smallEndpoint(tools);
  const keys = [...endpoint.store.keys()].sort();
  const whole = new Map(endpoint.store);

  /** The endpoint with some of its bytes replaced. */
  function damaged<T>(changes: ReadonlyMap<string, Uint8Array | undefined>, look: () => T): T {
    try {
      for (const [key, bytes] of changes)
        bytes === undefined ? endpoint.store.delete(key) : endpoint.store.set(key, bytes);
      return look();
    } finally {
      for (const key of changes.keys()) endpoint.store.set(key, whole.get(key) ?? new Uint8Array());
    }
  }

  function verify(): string[] {
    let state = endpoint.state;
    try {
      state = endpoint.readHistory();
    } catch (error) {
      if (error instanceof CloudError) return [error.message];
      throw error;
    }
    if (state.lastDigest !== endpoint.state.lastDigest) return ['the history is another one'];
    return check({ endpointId: ENDPOINT_ID, tools, store: endpoint.store, state, sources: new Map() });
  }

  it('is found to be whole', () => {
    expect(verify()).toEqual([]);
    expect(endpoint.state.snapshots).toHaveLength(3);
    expect(keys.filter((key) => key.startsWith('objects/')).length).toBeGreaterThan(10);
  });

  it('I10: verify finds every flipped bit of the stored bytes and every cut, in every key', { timeout: 60_000 }, () => {
    for (const key of keys) {
      const bytes = whole.get(key) ?? new Uint8Array();
      for (let at = 0; at < bytes.length; at++) {
        for (const bit of bits) {
          const flipped = bytes.slice();
          flipped[at] = (flipped[at] ?? 0) ^ bit;
          if (!refuses(key, flipped)) throw new Error(`${key}: byte ${at} was changed by ${bit}, and nobody noticed`);
        }
        if (!refuses(key, bytes.slice(0, at))) throw new Error(`${key} was cut to ${at} bytes, and nobody noticed`);
      }
    }
  });

  /** Reads the one key as verify would; the whole of verify for every byte would take minutes. */
  function refuses(key: string, bytes: Uint8Array): boolean {
    return damaged(new Map([[key, bytes]]), () => {
      const name = parseKey(key);
      try {
        if (name?.kind === 'object') {
          const head = endpoint.head(name.objectId);
          if (head.totalBytes !== bytes.length) return true;
          endpoint.slots(name.objectId, head.vvbns.keys());
        } else if (name?.kind === 'manifest') endpoint.manifest(name.snapshotId);
        else if (name?.kind === 'object-id-part') endpoint.objectIds(name.snapshotId);
        else if (name?.kind === 'l3-part') {
          const part = endpoint.manifest(name.snapshotId).l3Parts[name.part];
          if (part !== undefined) endpoint.l3Part(name.snapshotId, part);
        } else endpoint.readHistory();
        return false;
      } catch (error) {
        if (error instanceof CloudError) return true;
        throw error;
      }
    });
  }

  const index = fc.nat(10_000);
  const damage = fc.record({
    kind: fc.constantFrom('flip', 'cut', 'lose', 'swap keys', 'swap ranges'),
    one: index,
    other: index,
    at: index,
    length: index,
  });

  it('I10: verify finds flipped, cut, lost and swapped bytes; a restore fails where it needs them and only there, and names them', {
    timeout: 60_000,
  }, () => {
    let failures = 0;
    let successes = 0;
    fc.assert(
      fc.property(damage, ({ kind, one, other, at, length }) => {
        const key = keys[one % keys.length] ?? '';
        const second = keys[other % keys.length] ?? '';
        const [bytes, others] = [whole.get(key) ?? new Uint8Array(), whole.get(second) ?? new Uint8Array()];
        const place = at % bytes.length;
        const changes = new Map<string, Uint8Array | undefined>();
        if (kind === 'lose') changes.set(key, undefined);
        else if (kind === 'cut') changes.set(key, bytes.slice(0, place));
        else if (kind === 'swap keys') changes.set(key, others).set(second, bytes);
        else if (kind === 'swap ranges') {
          const range = others.slice(place % others.length, (place % others.length) + 1 + (length % 300));
          const patched = bytes.slice();
          patched.set(range.subarray(0, bytes.length - place), place);
          changes.set(key, patched);
        } else {
          const flipped = bytes.slice();
          flipped[place] = (flipped[place] ?? 0) ^ (1 + (length % 255));
          changes.set(key, flipped);
        }
        const touched = [...changes].filter(([name, now]) => !same(now, whole.get(name))).map(([name]) => name);
        if (touched.length === 0) return;
        damaged(changes, () => {
          expect(verify(), `${kind} ${touched}`).not.toEqual([]);
          for (const snapshot of endpoint.state.snapshots) {
            const needs = touched.filter((name) => needed(snapshot.id, name));
            try {
              const { volume } = restore(endpoint, snapshot);
              expect(portrait(volume.snapshotView(snapshot.name))).toEqual(portraits.get(snapshot.name));
              // Cutting off or changing what a restore does not read does no harm to it.
              expect(needs).toEqual([]);
              successes++;
            } catch (error) {
              if (!(error instanceof CloudError)) throw error;
              expect(needs.length, `${error.message}: ${touched} is not needed by ${snapshot.id}`).toBeGreaterThan(0);
              if (needs.every((name) => name.startsWith('objects/'))) {
                const ids = needs.map((name) => Number.parseInt(name.slice('objects/'.length), 16));
                expect(ids).toContain(error.objectId);
              }
              failures++;
            }
          }
        });
      }),
      { numRuns: 120, seed: 5 },
    );
    expect(failures).toBeGreaterThan(40);
    expect(successes).toBeGreaterThan(40);
  });

  /** Whether a restore of the whole snapshot reads a key. It does not read the bitmap, nor the history again. */
  function needed(snapshotId: number, key: string): boolean {
    const name = parseKey(key);
    if (name?.kind === 'object') return idsOf.get(snapshotId)?.has(name.objectId) ?? false;
    if (name?.kind === 'manifest' || name?.kind === 'l3-part') return name.snapshotId === snapshotId;
    return false;
  }

  const idsOf = new Map(
    endpoint.state.snapshots.map(({ id }) => [id as number, new Set<number>(endpoint.objectIds(id))]),
  );
});

function smallEndpoint(tools: FormatTools): { endpoint: TestEndpoint; portraits: Map<string, string[]> } {
  const volume = new WaflVolume({ capacityBlocks: 200, pointersPerBlock: 4, rootPointers: 2 });
  const endpoint = new TestEndpoint(volume, {}, tools, { codec: zstd });
  const portraits = new Map<string, string[]>();
  const back = (name: string) => {
    volume.createSnapshot(name, { uuid: `uuid-${name}`, createdAt: 1 });
    endpoint.backup(name);
    portraits.set(name, portrait(volume.snapshotView(name)));
  };
  volume.create('/a');
  for (let block = 0; block < 12; block++) volume.write('/a', block * 4096, content(block));
  volume.create('/b');
  volume.write('/b', 5 * 4096, content(3));
  volume.dedupe();
  back('s1');
  volume.write('/a', 4096, content(77));
  volume.cloneFile('/b', '/c');
  back('s2');
  volume.remove('/b');
  volume.punchHole('/a', 2 * 4096, 4096);
  volume.create('/d');
  volume.write('/d', 0, content(78));
  back('s3');
  return { endpoint, portraits };
}

/** Compresses a little, so that objects are small and not trivial. */
function content(seed: number): Uint8Array {
  return Uint8Array.from({ length: 4096 }, (_, at) => (at < 64 ? (at * seed + seed * seed) % 256 : seed));
}

function same(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one !== undefined && other !== undefined && Buffer.from(one).equals(other);
}
