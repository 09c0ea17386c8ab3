import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scaledClock } from '../../src/cli/commands/simulate.ts';
import { systemClock } from '../../src/env.ts';
import { SimulatedOntap } from '../../src/testing/index.ts';
import { cinderConf, datamotion, Folder } from './command-line.ts';

/** The command polls by the system's clock, so the simulated clusters run faster than it. */
const SCALE = 40;
const MIB = 2 ** 20;

describe('the commands on mirrors, over HTTP', () => {
  const world = new SimulatedOntap({ clock: scaledClock(systemClock, SCALE) });
  const folder = new Folder();
  let config = '';
  const on = (...volumes: string[]) => [
    '--config',
    config,
    '--backend',
    'east',
    '--target',
    'west',
    '--volume',
    ...volumes,
  ];

  beforeAll(async () => {
    await world.listen();
    config = folder.file('cinder.conf', cinderConf(world));
    for (const name of ['vol1', 'vol2']) {
      const volume = world.cluster('cluster1').createVolume({ svm: 'svm1', name, sizeBytes: 64 * MIB });
      volume.write('/file', 0, new Uint8Array(3 * MIB).fill(name.charCodeAt(3)));
    }
  });
  afterAll(async () => {
    await world.close();
    folder[Symbol.dispose]();
  });

  it('ensure protects every volume of the backend; status shows them; a second ensure has nothing to do', async () => {
    const ensured = await datamotion(['ensure', '--config', config, '--backend', 'east', '--wait']);
    expect(ensured.stderr).toContain('create-relationship');
    expect(ensured).toMatchObject({ exitCode: 0 });
    expect(ensured.stdout).toMatch(
      /east:vol1 -> west:vol1: snapmirrored \(create-destination, create-relationship, start-replication\)/,
    );
    for (const name of ['vol1', 'vol2']) {
      const [source, copy] = [
        world.cluster('cluster1').volume('svm1', name),
        world.cluster('cluster2').volume('svm1_dr', name),
      ];
      expect(copy.digest()).toBe(source.digest());
    }

    const status = await datamotion(['status', '--config', config, '--backend', 'east']);
    expect(status.exitCode).toBe(0);
    expect(status.stdout).toMatch(/svm1:vol1 .* svm1_dr:vol1 .* snapmirrored .* protected/);
    const json = await datamotion(['status', '--config', config, '--backend', 'east', '--volume', 'vol2', '--json']);
    expect(json.json()).toMatchObject({
      mirrors: [{ state: 'snapmirrored', protection: 'protected', source: { path: 'svm1:vol2' } }],
      errors: [],
    });

    const again = await datamotion(['ensure', '--config', config, '--backend', 'east', '--json']);
    expect(again.json()).toMatchObject({
      results: [
        { ok: true, actions: [] },
        { ok: true, actions: [] },
      ],
    });
  });

  it('update, break, resync, delete: the story of one volume, and --json prints one document and nothing else', async () => {
    const source = world.cluster('cluster1').volume('svm1', 'vol1');
    const copy = world.cluster('cluster2').volume('svm1_dr', 'vol1');
    source.write('/file', 4096, new Uint8Array(4096).fill(7));
    expect((await datamotion(['update', ...on('vol1')])).exitCode).toBe(0);
    expect(copy.digest()).toBe(source.digest());

    const broken = await datamotion(['break', ...on('vol1'), '--json']);
    expect(broken.json()).toMatchObject({
      results: [
        {
          ok: true,
          mount: { mounted: true, junctionPath: '/vol1' },
          relationship: { state: 'broken_off' },
          forced: false,
        },
      ],
    });
    expect(copy.type).toBe('rw');
    copy.write('/file', 0, new Uint8Array(4096).fill(9));

    const resynced = await datamotion(['resync', ...on('vol1'), '--accept-loss']);
    expect(resynced.exitCode).toBe(0);
    expect(copy.digest()).toBe(source.digest());

    const deleted = await datamotion(['delete', ...on('vol1'), '--json']);
    expect(deleted.json()).toMatchObject({ results: [{ ok: true, release: { state: 'released' } }] });
    expect(source.snapshots().filter((name) => name.startsWith('snapmirror.'))).toEqual([]);
  });

  it('quiesce and resume pause and go on', async () => {
    await datamotion(['ensure', '--config', config, '--backend', 'east', '--wait']);
    const quiesced = await datamotion(['quiesce', ...on('vol2'), '--json']);
    expect(quiesced.json()).toMatchObject({ results: [{ relationship: { state: 'paused' } }] });
    const left = await datamotion(['ensure', ...on('vol2')]);
    expect(left.stdout).toMatch(/paused \(nothing to do\); left alone/);
    const resumed = await datamotion(['resume', ...on('vol2'), '--json']);
    expect(resumed.json()).toMatchObject({ results: [{ relationship: { state: 'snapmirrored' } }] });
  });

  it('one failure stops nobody else, and the exit code tells', async () => {
    const ran = await datamotion(['update', ...on('nosuch', 'vol2')]);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toMatch(
      /east:nosuch -> west:nosuch: error: cannot update the mirror .*there is no relationship/,
    );
    expect(ran.stderr).toContain('what to do: check the names, or create the relationship first');
    expect(ran.stdout).toContain('east:vol2 -> west:vol2: snapmirrored (start-transfer)');
  });

  it('an interrupted command says so and ends with 1', async () => {
    const ran = await datamotion(['update', ...on('vol2')], { signal: AbortSignal.abort(new Error('interrupted')) });
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain('[ABORTED]');
  });
});
