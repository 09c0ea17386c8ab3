/** Encrypted endpoints through the engine: who opens them, what shows of them, and that no nonce is used twice. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeFormatTools } from '../../../src/compute/format-tools.ts';
import type { KeyProvider } from '../../../src/compute/key-provider.ts';
import { nodeKeyTools } from '../../../src/compute/key-tools.ts';
import { passphraseKey } from '../../../src/compute/passphrase-key.ts';
import { parseKey } from '../../../src/core/cloud/format/names.ts';
import type { WaflVolume } from '../../../src/core/wafl/volume.ts';
import { DataMotionError } from '../../../src/errors.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import type { ObjectStore } from '../../../src/object-store/object-store.ts';
import type { EndpointKeys } from '../../../src/run/cloud/endpoint-keys.ts';
import { WaflRestoreTarget } from '../../../src/run/cloud/wafl-restore-target.ts';
import { FaultyObjectStore } from '../../../src/testing/faulty-object-store.ts';
import { history } from '../../core/cloud/steps.ts';
import { portrait } from '../../core/cloud/wafl-restore.ts';
import { Machine } from './machine.ts';
import { NonceRecord, recordedSealing } from './recording-cipher.ts';
import { blocks, NAME, Rig, type RigOptions, smallVolume } from './rig.ts';

const CHEAP = { costLog2: 10, leastCostLog2: 10 };
const HIDDEN = 'e-hidden';
/** The real thing, but for the price of hiding a name. */
const tools = { ...nodeKeyTools, hiddenName: async () => HIDDEN };
const by = (...providers: KeyProvider[]): EndpointKeys => ({ tools, providers });
const phrase = (passphrase: string) => passphraseKey(passphrase, CHEAP);

/** A key management service: keeps its key, and writes down what it was asked for. */
class TestKms implements KeyProvider {
  readonly name: string;
  readonly asked: string[] = [];
  down = false;
  readonly #wrapped = new Map<string, Uint8Array>();

  constructor(name: string) {
    this.name = name;
  }

  async wrap(dataKey: Uint8Array, context: Readonly<Record<string, string>>): Promise<Uint8Array> {
    const handle = `${this.name} ${this.#wrapped.size}`;
    this.#wrapped.set(`${handle} ${JSON.stringify(context)}`, dataKey.slice());
    this.asked.push('wrap');
    return Buffer.from(handle);
  }

  async unwrap(wrapped: Uint8Array, context: Readonly<Record<string, string>>): Promise<Uint8Array | undefined> {
    this.asked.push('unwrap');
    if (this.down) throw new Error('the key service does not answer');
    return this.#wrapped.get(`${Buffer.from(wrapped)} ${JSON.stringify(context)}`);
  }
}

/** A volume with names and contents that a scan of the store could find. */
function tellingVolume(): WaflVolume {
  const volume = smallVolume();
  volume.create('/salaries-of-the-board');
  volume.write('/salaries-of-the-board', 0, Buffer.alloc(4096 * 3, 'the plaintext of a block, '));
  volume.write('/salaries-of-the-board', 4096 * 3, blocks(7, 7, 9));
  return volume;
}

const rigOf = (options: RigOptions) => new Rig({ volume: tellingVolume(), ...options });

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}

const wrappedIn = async (store: ObjectStore) =>
  (await keysOf(store)).filter((key) => parseKey(key.slice(HIDDEN.length + 1))?.kind === 'wrapped-key');

describe('an endpoint with a passphrase', () => {
  it('is backed up and restored by whoever has the passphrase', async () => {
    const rig = rigOf({ keys: by(phrase('correct horse')) });
    rig.snapshot('payday');
    await rig.backup();
    const { store, volume } = rig;
    const later = rigOf({ volume, store, state: rig.state, keys: by(phrase('correct horse')) });
    later.snapshot('payday-2');
    expect(await later.backup()).toMatchObject({ outcome: 'incremental' });
    expect(await later.endpoint.list()).toMatchObject({ encrypted: true, snapshots: [{ name: 'payday' }, {}] });
    const restored = smallVolume();
    await later.endpoint.restore({ snapshot: 'payday', target: new WaflRestoreTarget(restored) });
    restored.createSnapshot('look', { uuid: 'look', createdAt: 1 });
    expect(portrait(restored.snapshotView('look'))).toEqual(portrait(volume.snapshotView('payday')));
    expect(await later.endpoint.verify({ readData: true })).toMatchObject({ problems: [] });
  });

  it('is refused to another passphrase, and to none, before anything but its key is read', async () => {
    const rig = rigOf({ keys: by(phrase('correct horse')) });
    rig.snapshot();
    await rig.backup();
    const read: string[] = [];
    const watched = new FaultyObjectStore(rig.store);
    const get = watched.get.bind(watched);
    watched.get = (key, options) => {
      read.push(key.slice(key.indexOf('/') + 1).split('/')[0] ?? '');
      return get(key, options);
    };
    const wrong = rigOf({ store: watched, volume: rig.volume, keys: by(phrase('another')) });
    for (const act of [() => wrong.backup(), () => wrong.endpoint.list(), () => wrong.endpoint.verify()]) {
      await expect(act()).rejects.toMatchObject({ code: 'CLOUD_KEY_WRONG' });
    }
    const none = rigOf({ store: watched, volume: rig.volume, keys: by() });
    await expect(none.backup()).rejects.toMatchObject({ code: 'CLOUD_KEY_WRONG' });
    expect(new Set(read)).toEqual(new Set(['history', 'keys']));
    const before = await keysOf(rig.store);
    await expect(wrong.endpoint.forget({ snapshots: ['s1'] })).rejects.toMatchObject({ code: 'CLOUD_KEY_WRONG' });
    expect(await keysOf(rig.store)).toEqual(before);
  });

  it('is asked for by its hidden name alone, once it is there', async () => {
    const rig = rigOf({ keys: by(phrase('correct horse')) });
    rig.snapshot();
    await rig.backup();
    const asked: string[] = [];
    const watched: ObjectStore = new Proxy(rig.store, {
      get(of, name) {
        const found: unknown = Reflect.get(of, name);
        if (typeof found !== 'function') return found;
        return (...given: unknown[]) => {
          asked.push(`${String(name)} ${JSON.stringify(given[0])}`);
          return found.apply(of, given);
        };
      },
    });
    const later = () =>
      rigOf({ store: watched, volume: rig.volume, state: rig.state, keys: by(phrase('correct horse')) });
    rig.snapshot('again');
    await later().backup();
    await later().endpoint.list();
    await later().endpoint.restore({ target: new WaflRestoreTarget(smallVolume()) });
    await later().endpoint.verify();
    await later().endpoint.collect();
    const wrong = rigOf({ store: watched, volume: rig.volume, keys: by(phrase('another')) });
    await expect(wrong.endpoint.list()).rejects.toMatchObject({ code: 'CLOUD_KEY_WRONG' });
    expect(asked.length).toBeGreaterThan(20);
    expect(asked.filter((request) => request.includes(NAME))).toEqual([]);
  });

  it('that was begun without one stays without, whatever is given later', async () => {
    const rig = rigOf({ keys: by() });
    rig.snapshot();
    await rig.backup();
    const late = rigOf({ store: rig.store, volume: rig.volume, keys: by(phrase('late')) });
    await expect(late.backup()).rejects.toMatchObject({ code: 'CLOUD_KEY_WRONG' });
    expect((await keysOf(rig.store)).every((key) => key.startsWith(`${NAME}/`))).toBe(true);
  });

  it('shows no name, no content and no place of either in its store', async () => {
    const rig = rigOf({ name: 'board-of-directors', writer: 'finance-host', keys: by(phrase('correct horse')) });
    rig.snapshot('payday');
    await rig.backup({ label: 'quarterly' });
    const names = [
      'board-of-directors',
      'finance-host',
      'salaries',
      'payday',
      'quarterly',
      'volume-1',
      'correct horse',
    ];
    const texts = [...names, 'the plaintext of a block'].map((text) => Buffer.from(text));
    const secrets = [...texts, Buffer.alloc(32, 7), Buffer.alloc(32, 9)];
    const found = await scan(rig.store, secrets);
    expect(found).toEqual([]);
    // The scan finds what is there to be found.
    const open = rigOf({
      name: 'board-of-directors',
      writer: 'finance-host',
      keys: by(),
      compression: { codec: 'none' },
    });
    open.snapshot('payday');
    await open.backup({ label: 'quarterly' });
    expect((await scan(open.store, secrets)).length).toBeGreaterThan(6);
  });

  it('sends and shares exactly what it would without', async () => {
    const counts = [];
    for (const keys of [by(), by(phrase('correct horse'))]) {
      const rig = rigOf({ keys });
      rig.snapshot();
      const { uploads } = await rig.backup();
      const { saved } = await rig.endpoint.show({ measure: true });
      counts.push([uploads.blocks, uploads.objects, saved.deduplicationBytes]);
    }
    expect(counts[0]).toEqual(counts[1]);
  });
});

async function scan(store: ObjectStore, secrets: readonly Buffer[]): Promise<string[]> {
  const found: string[] = [];
  for (const key of await keysOf(store)) {
    const all = Buffer.concat([Buffer.from(key), await store.get(key)]);
    for (const secret of secrets) if (all.includes(secret)) found.push(`${secret.toString('latin1')} in ${key}`);
  }
  return found;
}

describe('a key provider', () => {
  it('wraps for one endpoint and one key, and unwraps with the same context', async () => {
    const kms = new TestKms('kms:backup');
    const rig = rigOf({ keys: by(kms) });
    rig.snapshot();
    await rig.backup();
    const later = rigOf({ store: rig.store, volume: rig.volume, keys: by(kms) });
    expect(await later.endpoint.list()).toMatchObject({ encrypted: true });
    expect(kms.asked).toEqual(['wrap', 'unwrap']);
    const other = rigOf({ store: rig.store, keys: by(new TestKms('kms:other')) });
    await expect(other.endpoint.list()).rejects.toMatchObject({
      code: 'CLOUD_KEY_WRONG',
      details: { wrappedBy: ['kms:backup'] },
    });
  });

  it('that fails is heard, unless another opens the endpoint', async () => {
    const kms = new TestKms('kms:backup');
    const rig = rigOf({ keys: by(kms) });
    rig.snapshot();
    await rig.backup();
    await rig.endpoint.rekey({ provider: phrase('in case the service is gone'), keepOthers: true });
    kms.down = true;
    const down = rigOf({ store: rig.store, keys: by(kms) });
    await expect(down.endpoint.list()).rejects.toThrow('the key service does not answer');
    const both = rigOf({ store: rig.store, keys: by(kms, phrase('in case the service is gone')) });
    expect(await both.endpoint.list()).toMatchObject({ encrypted: true });
  });
});

describe('a change of the key', () => {
  it('rewrites no data: the new passphrase opens, the old one does not', async () => {
    const rig = rigOf({ keys: by(phrase('old')) });
    rig.snapshot();
    await rig.backup();
    const data = new Map<string, Uint8Array>();
    for (const key of await keysOf(rig.store)) if (!key.includes('/keys/')) data.set(key, await rig.store.get(key));
    const result = await rig.endpoint.rekey({ provider: phrase('new') });
    expect(result).toMatchObject({ added: { provider: 'passphrase' }, removed: [{}], keys: [result.added] });
    for (const [key, bytes] of data) expect(Buffer.compare(await rig.store.get(key), bytes), key).toBe(0);
    expect((await keysOf(rig.store)).length).toBe(data.size + 1);
    const opened = (passphrase: string) => rigOf({ store: rig.store, keys: by(phrase(passphrase)) }).endpoint.list();
    expect(await opened('new')).toMatchObject({ encrypted: true });
    await expect(opened('old')).rejects.toMatchObject({ code: 'CLOUD_KEY_WRONG' });
  });

  it('may go through a time when several open, and ends with one', async () => {
    const rig = rigOf({ keys: by(phrase('old')) });
    rig.snapshot();
    await rig.backup();
    const opened = (passphrase: string) => rigOf({ store: rig.store, keys: by(phrase(passphrase)) }).endpoint;
    expect((await rig.endpoint.rekey({ provider: phrase('new'), keepOthers: true })).keys).toHaveLength(2);
    await Promise.all([opened('old').list(), opened('new').list()]);
    await opened('new').rekey({ provider: phrase('new') });
    expect(await wrappedIn(rig.store)).toHaveLength(1);
    await opened('new').list();
  });

  it('cut off anywhere leaves an endpoint that opens, and can be repeated', async () => {
    for (let at = 0; at < 4; at++) {
      for (const when of ['before', 'after'] as const) {
        const store = new MemoryObjectStore();
        const rig = rigOf({ store, keys: by(phrase('old')) });
        rig.snapshot();
        await rig.backup();
        const dying = new FaultyObjectStore(store);
        dying.dieAfter(at, when);
        const cut = rigOf({ store: dying, keys: by(phrase('old')) });
        await cut.endpoint.rekey({ provider: phrase('new') }).catch((error) => {
          if (!(error instanceof DataMotionError)) throw error;
        });
        const any = rigOf({ store, keys: by(phrase('old'), phrase('new')) });
        await any.endpoint.rekey({ provider: phrase('new') });
        expect(await wrappedIn(store), `cut off ${when} change ${at}`).toHaveLength(1);
        expect(await rigOf({ store, keys: by(phrase('new')) }).endpoint.list()).toMatchObject({ encrypted: true });
      }
    }
  });

  it('beside another one never locks everybody out, in whatever order their steps come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const store = new MemoryObjectStore();
        const rig = rigOf({ store, keys: by(phrase('old')) });
        rig.snapshot();
        await rig.backup();
        const attempts = ['one', 'two'].map((next) => {
          const slow = new FaultyObjectStore(store);
          const [put, deleteMany, list] = [slow.put.bind(slow), slow.deleteMany.bind(slow), slow.list.bind(slow)];
          slow.put = (...given) => scheduler.schedule(Promise.resolve(), 'put').then(() => put(...given));
          slow.deleteMany = (...given) =>
            scheduler.schedule(Promise.resolve(), 'delete').then(() => deleteMany(...given));
          slow.list = async function* (...given) {
            await scheduler.schedule(Promise.resolve(), 'list');
            yield* list(...given);
          };
          const { endpoint } = rigOf({ store: slow, keys: by(phrase('old')) });
          return endpoint.rekey({ provider: phrase(next) }).then(
            () => next,
            () => undefined,
          );
        });
        const settled = Promise.all(attempts);
        await scheduler.waitFor(settled);
        expect((await wrappedIn(store)).length).toBeGreaterThan(0);
        const after = rigOf({ store, keys: by(phrase('one'), phrase('two'), phrase('old')) });
        expect(await after.endpoint.list()).toMatchObject({ encrypted: true });
      }),
      { numRuns: 15, seed: 5 },
    );
  });
});

describe('the beginning of an encrypted endpoint', () => {
  it('cut off anywhere is begun again, and its key is durable before anything is encrypted with it', async () => {
    for (let at = 0; at < 4; at++) {
      for (const when of ['before', 'after'] as const) {
        const store = new MemoryObjectStore();
        const volume = tellingVolume();
        const dying = new FaultyObjectStore(store);
        dying.dieAfter(at, when);
        const cut = rigOf({ store: dying, volume, keys: by(phrase('correct horse')) });
        cut.snapshot('first');
        await cut.backup().catch((error) => {
          if (!(error instanceof DataMotionError)) throw error;
        });
        const again = rigOf({ store, volume, state: cut.state, keys: by(phrase('correct horse')) });
        await again.backup();
        expect(await again.endpoint.verify({ readData: true }), `${when} ${at}`).toMatchObject({ problems: [] });
      }
    }
  });

  it('by two at a time is that of one, and a conflict for the other, who leaves no key behind', async () => {
    const store = new MemoryObjectStore();
    const slow = new FaultyObjectStore(store);
    const put = slow.put.bind(slow);
    const fast = rigOf({ store, keys: by(phrase('mine')), writer: 'fast' });
    fast.snapshot();
    let raced = false;
    slow.put = async (key, body, options) => {
      if (!raced && key.includes('/history/')) {
        raced = true;
        await fast.backup();
      }
      await put(key, body, options);
    };
    const late = rigOf({ store: slow, keys: by(phrase('yours')), writer: 'late' });
    late.snapshot();
    await expect(late.backup()).rejects.toMatchObject({ code: 'CLOUD_CONFLICT' });
    expect(await wrappedIn(store)).toHaveLength(1);
    expect(await fast.endpoint.verify({ readData: true })).toMatchObject({ problems: [] });
  });
});

describe('what was forged in the store', () => {
  it('wrapped keys that nobody made, or that are damaged, lock nobody out', async () => {
    const rig = rigOf({ keys: by(phrase('correct horse')) });
    rig.snapshot();
    await rig.backup();
    const [key = ''] = await wrappedIn(rig.store);
    const bytes = await rig.store.get(key);
    await rig.store.put(`${HIDDEN}/keys/000000000001`, bytes);
    await rig.store.put(`${HIDDEN}/keys/000000000002`, new Uint8Array(7));
    const opening = rigOf({ store: rig.store, keys: by(phrase('correct horse')) }).endpoint;
    expect(await opening.list()).toMatchObject({ encrypted: true });
    await opening.rekey({ provider: phrase('correct horse') });
    expect(await wrappedIn(rig.store)).toHaveLength(1);
  });

  it('a whole endpoint without encryption in the place of an encrypted one is refused', async () => {
    const rig = rigOf({ keys: by(phrase('correct horse')) });
    rig.snapshot();
    await rig.backup();
    const forged = rigOf({ name: HIDDEN });
    forged.snapshot();
    await forged.backup();
    for (const key of await keysOf(forged.store)) await rig.store.put(key, await forged.store.get(key));
    const opening = rigOf({ store: rig.store, keys: by(phrase('correct horse')) }).endpoint;
    await expect(opening.list()).rejects.toMatchObject({ code: 'CLOUD_KEY_WRONG' });
    await expect(rig.endpoint.list()).rejects.toMatchObject({ code: 'CLOUD_KEY_WRONG' });
  });
});

describe('random histories of an encrypted endpoint', () => {
  const RUNS = Number(process.env['CLOUD_ENCRYPTED_HISTORIES'] ?? 12);

  it('I1 to I11 hold, and no nonce meets a key twice, over crashes and take-overs', { timeout: 120_000 }, async () => {
    let crashes = 0;
    let overtaken = 0;
    let most = 0;
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const record = new NonceRecord();
        const machine = new Machine(recordedSealing(nodeKeyTools.encryptionKey(nodeKeyTools.newDataKey()), record));
        await machine.play(steps);
        expect(record.repeated).toEqual([]);
        crashes += machine.counts.crashes;
        overtaken += machine.counts.overtaken;
        if (record.seals > 0) most = Math.max(most, record.mostOfOneKey);
      }),
      { numRuns: RUNS, seed: 20_260_103 },
    );
    // Keys that are used once each, in histories where nothing happens, would prove nothing.
    expect(crashes).toBeGreaterThan(RUNS / 2);
    expect(overtaken).toBeGreaterThan(0);
    expect(most).toBeGreaterThan(2);
  });

  it('the watch sees a nonce that is used twice', () => {
    const record = new NonceRecord();
    const { tools: watched } = recordedSealing(nodeKeyTools.encryptionKey(new Uint8Array(32)), record);
    const place = new Uint8Array(96);
    const sealed = watched.cipher?.seal(new Uint8Array(1), place) ?? new Uint8Array();
    record.add(place, sealed);
    expect(record.repeated).toHaveLength(1);
    expect(nodeFormatTools().cipher).toBeUndefined();
  });
});
