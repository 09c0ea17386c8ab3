/** `datamotion rpc`, as a driver in another language uses it: lines in, lines out, against the simulated clusters over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scaledClock } from '../../src/cli/commands/simulate.ts';
import { RPC_METHODS } from '../../src/cli/rpc/methods.ts';
import { DataMotion } from '../../src/data-motion.ts';
import { systemClock } from '../../src/env.ts';
import { SimulatedOntap } from '../../src/testing/index.ts';
import { cinderConf, Folder } from './command-line.ts';
import { Rpc } from './rpc-client.ts';

describe('the rpc command', () => {
  const world = new SimulatedOntap({ clock: scaledClock(systemClock, 40) });
  const folder = new Folder();
  let config = '';

  beforeAll(async () => {
    await world.listen();
    config = folder.file('cinder.conf', cinderConf(world));
    const volume = world.cluster('cluster1').createVolume({ svm: 'svm1', name: 'vol1', sizeBytes: 2 ** 26 });
    volume.write('/file', 0, new Uint8Array(2 ** 20).fill(7));
  });
  afterAll(async () => {
    await world.close();
    folder[Symbol.dispose]();
  });

  it('serves every verb of DataMotion by its name', () => {
    const verbs = Object.getOwnPropertyNames(DataMotion.prototype).filter(
      (name) => !['constructor', 'close'].includes(name),
    );
    expect(Object.keys(RPC_METHODS).toSorted()).toEqual(verbs.toSorted());
  });

  it('protects a volume with progress, breaks the mirror, and ends with its input', async () => {
    const rpc = new Rpc(config);
    const ensured = rpc.call('ensureSnapmirrors', {
      selection: { source: 'east', target: 'west' },
      options: { waitForBaseline: true, progress: true },
    });
    expect((await ensured.answer).result).toMatchObject([
      { ok: true, result: { relationship: { state: 'snapmirrored' } } },
    ]);
    const steps = rpc.messages.filter(({ method }) => method === 'progress').map(({ params }) => params);
    expect(steps).toContainEqual(expect.objectContaining({ id: ensured.id, step: 'create-relationship' }));

    const pair = { source: { backend: 'east', volume: 'vol1' }, destination: { backend: 'west' } };
    const broken = await rpc.call('breakSnapmirror', { pair }).answer;
    expect(broken.result).toMatchObject({ relationship: { state: 'broken_off' }, mount: { mounted: true } });
    expect(rpc.messages.filter(({ method }) => method === 'progress')).toHaveLength(steps.length);
    expect(await rpc.end()).toBe(0);
  });

  it('answers requests side by side, each by its own number', async () => {
    const rpc = new Rpc(config);
    const calls = [
      rpc.call('getReplicationBackendNames', { source: 'east' }),
      rpc.call('getSnapmirrors', { query: { source: 'east', target: 'west' } }),
      rpc.call('describe'),
    ];
    const [names, mirrors, described] = await Promise.all(calls.map(({ answer }) => answer));
    expect(names?.result).toEqual(['west']);
    expect(mirrors?.result).toMatchObject([{ source: { volume: 'vol1' } }]);
    expect(described?.result).toMatchObject({ methods: { breakSnapmirror: { type: 'object', required: ['pair'] } } });
    expect(await rpc.end()).toBe(0);
  });

  it('tells what a verb threw, with its code and what to do', async () => {
    const rpc = new Rpc(config);
    const { error } = await rpc.call('checkReadiness', { selection: { source: 'east', target: 'north' } }).answer;
    expect(error).toMatchObject({
      code: -32_000,
      data: { name: 'ConfigError', code: 'CONFIG_TARGET_UNKNOWN', retryable: false },
    });
    await rpc.end();
  });

  it('refuses parameters, methods and lines that are none, and asks no cluster', async () => {
    const rpc = new Rpc(config);
    const before = world.requests.length;
    const typo = await rpc.call('breakSnapmirror', {
      pair: { source: { backend: 'east' }, destination: { backend: 'west' } },
    }).answer;
    expect(typo.error).toMatchObject({ code: -32_602, message: expect.stringContaining('pair.source.volume') });
    const unknownOption = await rpc.call('breakSnapmirrors', {
      selection: { source: 'east', target: 'west' },
      options: { quiesceTimeout: 5 },
    }).answer;
    expect(unknownOption.error).toMatchObject({ code: -32_602, message: expect.stringContaining('quiesceTimeout') });
    expect((await rpc.call('dropEverything').answer).error).toMatchObject({ code: -32_601 });
    rpc.send('{ not json');
    expect((await rpc.next(({ error }) => error?.code === -32_700)).error).toBeDefined();
    expect(world.requests).toHaveLength(before);
    expect(await rpc.end()).toBe(0);
  });

  it('ends a call that is cancelled, and one that takes too long', async () => {
    const rpc = new Rpc(config);
    const cluster = world.cluster('cluster2');
    cluster.kill();
    try {
      const query = { source: 'east', target: 'west' };
      const hanging = rpc.call('getSnapmirrors', { query });
      const cancelled = await rpc.call('cancel', { id: hanging.id }).answer;
      expect(cancelled.result).toEqual({ cancelled: true });
      expect((await hanging.answer).error).toMatchObject({ code: -32_000, data: { code: 'ABORTED' } });
      const late = rpc.call('getSnapmirrors', { query, options: { timeoutMs: 30 } });
      expect((await late.answer).error).toMatchObject({ code: -32_000, data: { code: 'DEADLINE_EXCEEDED' } });
      expect((await rpc.call('cancel', { id: late.id }).answer).result).toEqual({ cancelled: false });
    } finally {
      cluster.revive();
    }
    expect(await rpc.end()).toBe(0);
  });

  it('ends every call and itself when it is interrupted', async () => {
    const interrupted = new AbortController();
    const rpc = new Rpc(config, interrupted.signal);
    await rpc.call('describe').answer;
    world.cluster('cluster2').kill();
    try {
      const hanging = rpc.call('getSnapmirrors', { query: { source: 'east', target: 'west' } });
      await rpc.call('describe').answer;
      interrupted.abort(new Error('interrupted by SIGTERM'));
      expect((await hanging.answer).error).toMatchObject({ data: { code: 'ABORTED' } });
      expect(await rpc.exitCode).toBe(0);
    } finally {
      world.cluster('cluster2').revive();
    }
  });

  it('is not served with a configuration that cannot be used', async () => {
    const rpc = new Rpc(folder.file('broken.conf', '[east]\nreplication_device = backend_id:west\n'));
    expect(await rpc.exitCode).toBe(2);
    expect(rpc.messages).toEqual([]);
    expect(rpc.stderr).toContain('CONFIG_INVALID');
  });
});
