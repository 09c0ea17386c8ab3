import { afterAll, beforeAll, expect, it } from 'vitest';
import { scaledClock } from '../../src/cli/commands/simulate.ts';
import { systemClock } from '../../src/env.ts';
import { SimulatedOntap } from '../../src/testing/index.ts';
import { cinderConf, datamotion, Folder } from './command-line.ts';

const world = new SimulatedOntap({ clock: scaledClock(systemClock, 40) });
const folder = new Folder();
let on: string[] = [];

beforeAll(async () => {
  await world.listen();
  on = ['--config', folder.file('cinder.conf', cinderConf(world)), '--backend', 'east', '--target', 'west'];
  world.cluster('cluster1').createVolume({ svm: 'svm1', name: 'vol1', sizeBytes: 64 * 2 ** 20 });
});
afterAll(async () => {
  await world.close();
  folder[Symbol.dispose]();
});

it('ensure --repair prints what would be lost and ends with 3, until the loss is accepted', async () => {
  expect((await datamotion(['ensure', ...on, '--wait', '--repair'])).exitCode).toBe(0);
  expect((await datamotion(['break', ...on, '--volume', 'vol1'])).exitCode).toBe(0);
  const copy = world.cluster('cluster2').volume('svm1_dr', 'vol1');
  copy.write('/written', 0, new Uint8Array(4096).fill(1));
  const written = copy.digest();

  const asked = await datamotion(['ensure', ...on, '--repair']);
  expect(asked.exitCode).toBe(3);
  expect(asked.stdout).toMatch(/the destination will lose everything written to it after snapmirror\./);
  expect(asked.stderr).toContain('--accept-loss');
  const json = await datamotion(['ensure', ...on, '--repair', '--json']);
  expect(json.exitCode).toBe(3);
  expect(json.json()).toMatchObject({
    losses: [{ pair: { source: { volume: 'vol1' } }, loss: { newerSnapshots: [] } }],
  });
  expect(copy.digest()).toBe(written);

  const repaired = await datamotion(['ensure', ...on, '--repair', '--accept-loss', '--wait']);
  expect(repaired.exitCode).toBe(0);
  expect(repaired.stderr).toContain('the destination will lose everything');
  expect(repaired.stdout).toContain('snapmirrored (start-replication)');
  expect(copy.digest()).toBe(world.cluster('cluster1').volume('svm1', 'vol1').digest());
});

it('resync prints what would be lost and ends with 3, until the loss is accepted', async () => {
  expect((await datamotion(['break', ...on, '--volume', 'vol1'])).exitCode).toBe(0);
  const copy = world.cluster('cluster2').volume('svm1_dr', 'vol1');
  copy.write('/written', 0, new Uint8Array(4096).fill(3));
  const written = copy.digest();

  for (const flags of [[], ['--keep-newer-snapshots']]) {
    const asked = await datamotion(['resync', ...on, '--volume', 'vol1', ...flags]);
    expect(asked.exitCode).toBe(3);
    expect(asked.stdout).toMatch(
      /the destination will lose everything written to it after (its snapshot )?snapmirror\./,
    );
    expect(asked.stderr).toContain('--accept-loss');
  }
  const json = await datamotion(['resync', ...on, '--volume', 'vol1', '--json']);
  expect(json.exitCode).toBe(3);
  expect(json.json()).toMatchObject({ acknowledgementNeeded: '--accept-loss', losses: [{ loss: {} }] });
  expect(copy.digest()).toBe(written);

  const resynced = await datamotion(['resync', ...on, '--volume', 'vol1', '--accept-loss']);
  expect(resynced).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('the destination will lose') });
  expect(copy.digest()).toBe(world.cluster('cluster1').volume('svm1', 'vol1').digest());
  // With nothing to lose there is nothing to acknowledge.
  expect(await datamotion(['resync', ...on, '--volume', 'vol1'])).toMatchObject({ exitCode: 0 });
});

it('abort, release and peer say what they did', async () => {
  const idle = await datamotion(['abort', ...on, '--volume', 'vol1']);
  expect(idle).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('no transfer is running') });
  const refused = await datamotion(['release', ...on, '--volume', 'vol1']);
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('delete it there first') });
  await datamotion(['delete', ...on, '--volume', 'vol1', '--no-release']);
  const released = await datamotion(['release', ...on, '--volume', 'vol1']);
  expect(released).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('release-source') });
  const peered = await datamotion(['peer', ...on]);
  expect(peered).toMatchObject({ exitCode: 0, stdout: 'east <-> west: peered for snapmirror (nothing to do)\n' });
});

it('ensure --repair stops when it cannot find out what would be lost, whatever was accepted', async () => {
  await datamotion(['ensure', ...on, '--wait', '--repair', '--accept-loss']);
  expect((await datamotion(['break', ...on, '--volume', 'vol1'])).exitCode).toBe(0);
  const copy = world.cluster('cluster2').volume('svm1_dr', 'vol1');
  copy.write('/precious', 0, new Uint8Array(4096).fill(2));
  const written = copy.digest();
  for (const flags of [[], ['--accept-loss']]) {
    const clear = world.clusters.map((cluster) =>
      cluster.addFault({ kind: 'http', status: 403, method: 'GET', path: '/storage/volumes/*/snapshots', times: 1 }),
    );
    const ran = await datamotion(['ensure', ...on, '--wait', '--repair', ...flags]);
    for (const end of clear) end();
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toMatch(/nothing was done: it cannot be told what would be lost[\s\S]*ONTAP_DENIED/);
    expect(copy.digest()).toBe(written);
  }
});

it('with --json a usage error is a document too', async () => {
  for (const argv of [
    ['nosuch', '--json'],
    ['status', '--json'],
    ['ensure', ...on, '--colour', '--json'],
  ]) {
    const ran = await datamotion(argv);
    expect(ran.exitCode).toBe(2);
    expect(ran.json()).toMatchObject({ error: { code: 'USAGE', message: expect.any(String) } });
  }
});
