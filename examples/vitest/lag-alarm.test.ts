import { buildScenario, parseScenario, type SimulatedOntap, VirtualClock } from 'ontap-data-motion/testing';
import { beforeEach, expect, it } from 'vitest';
import { laggingMirrors } from './lag-alarm.ts';

const HOUR = 3_600_000;
let clock: VirtualClock;
let world: SimulatedOntap;

beforeEach(async () => {
  clock = new VirtualClock();
  const scenario = parseScenario({
    version: 1,
    clusters: [
      {
        name: 'berlin',
        svms: ['prod'],
        volumes: [{ svm: 'prod', name: 'orders', size: '1GiB', content: { size: '1MiB' } }],
      },
      { name: 'vienna', svms: ['dr'] },
    ],
    relationships: [
      { source: 'berlin:prod:orders', destination: 'vienna:dr:orders', schedule: 'hourly', lag: 'PT20M' },
    ],
  });
  world = await buildScenario(scenario, { clock });
});

it('is silent while the hourly updates run', async () => {
  for (let hour = 0; hour < 24; hour++) {
    await clock.advance(HOUR);
    expect(await laggingMirrors(world.cluster('vienna'), 'PT2H')).toEqual([]);
  }
});

it('rings when the source is gone for 36 hours, and is silent again after the next update', async () => {
  world.cluster('berlin').goneFor(36 * HOUR);
  await clock.advance(35 * HOUR);
  expect(await laggingMirrors(world.cluster('vienna'), 'P1D')).toEqual(['dr:orders']);
  await clock.advance(3 * HOUR);
  expect(await laggingMirrors(world.cluster('vienna'), 'PT2H')).toEqual([]);
});

it('says so when the cluster is overloaded', async () => {
  world.cluster('vienna').addFault({ kind: 'http', status: 503, path: '/snapmirror/*' });
  await expect(laggingMirrors(world.cluster('vienna'), 'PT2H')).rejects.toThrow('the cluster answered 503');
});
