/** Housekeeping: what is missing is ensured, what somebody decided is left alone, alerts begin and end, and a stop is graceful. */
import { expect, it } from 'vitest';
import type { FailoverEvent } from '../../../src/core/failover/events.ts';
import { HOUR, MIB, MINUTE, type Stage } from '../../scenarios/harness.ts';
import { mirroredStage, sourceVolume, targetVolume } from './pair-stage.ts';

/** Keeps house until so many rounds are done, with something happening after each. */
async function rounds(
  stage: Stage,
  count: number,
  after: (round: number) => Promise<void> | void,
  options: Parameters<Stage['dataMotion']['keepHouse']>[1] = {},
): Promise<FailoverEvent[]> {
  const events: FailoverEvent[] = [];
  const stop = new AbortController();
  let happening: Promise<void> | undefined;
  const onEvent = (event: FailoverEvent) => {
    events.push(event);
    if (event.kind !== 'round-ended') return;
    happening = Promise.resolve(after(event.round));
    if (event.round === count) stop.abort();
  };
  await stage.dataMotion.keepHouse('east', { intervalMs: 10 * MINUTE, ...options, stop: stop.signal, onEvent });
  await happening;
  return events;
}

const alerts = (events: readonly FailoverEvent[]) =>
  events.flatMap((event) =>
    event.kind === 'alert-raised' || event.kind === 'alert-cleared'
      ? [`${event.kind} ${event.alert} ${event.volume ?? event.target}`]
      : [],
  );

it('a new volume is protected, told once as unprotected, and no longer after that', async () => {
  await using stage = await mirroredStage({ volumes: ['vol1'] });
  stage.write(stage.east.createVolume({ svm: stage.east.svms[0] ?? '', name: 'vol2', sizeBytes: 100 * MIB }));
  const events = await rounds(stage, 3, () => {});
  expect(alerts(events)).toEqual(['alert-raised unprotected vol2', 'alert-cleared unprotected vol2']);
  expect(targetVolume(stage, 'vol2').digest()).toBe(sourceVolume(stage, 'vol2').digest());
});

it('what somebody paused, broke off or failed over stays so (defect 4)', async () => {
  await using stage = await mirroredStage();
  const pair = (volume: string) => ({ source: { backend: 'east', volume }, destination: { backend: 'west' } });
  await stage.dataMotion.breakSnapmirror(pair('vol1'));
  stage.write(targetVolume(stage, 'vol1'), 3);
  await stage.dataMotion.quiesceThenAbort(pair('vol2'));
  await stage.dataMotion.failover({ source: 'east', volumes: ['vol3'] }, { acknowledge: () => true });
  stage.write(targetVolume(stage, 'vol3'), 3);
  const data = ['vol1', 'vol3'].map((name) => targetVolume(stage, name).digest());
  const events = await rounds(stage, 2, () => {}, { updateAfterSeconds: 0 });
  expect(['vol1', 'vol3'].map((name) => targetVolume(stage, name).digest())).toEqual(data);
  expect(alerts(events).toSorted()).toEqual([
    'alert-raised contested vol1',
    'alert-raised loser-unfenced vol3',
    'alert-raised paused vol2',
    'alert-raised unprotected vol3',
  ]);
});

it('a copy is too old only if something was written since; an age beyond a day is an age (defect 1)', async () => {
  await using stage = await mirroredStage({ volumes: ['vol1', 'vol2'], east: { transferSchedule: 'monthly' } });
  await stage.wait(30 * HOUR);
  stage.write(sourceVolume(stage, 'vol2'));
  const events = await rounds(stage, 1, () => {});
  expect(alerts(events)).toEqual(['alert-raised lag-too-long vol2']);
  const updated = await rounds(stage, 2, () => {}, { updateAfterSeconds: 3600 });
  expect(alerts(updated)).toEqual(['alert-raised lag-too-long vol2', 'alert-cleared lag-too-long vol2']);
});

it('a source that comes back after a failover is fenced where that is allowed', async () => {
  await using stage = await mirroredStage({ volumes: ['vol1'] });
  stage.east.kill();
  await stage.dataMotion.failover({ source: 'east' }, { acknowledge: () => true });
  const events = await rounds(stage, 2, () => stage.east.revive(), { fence: 'unmount' });
  expect(events.filter(({ kind }) => kind === 'fenced')).toHaveLength(1);
  expect(alerts(events)).toContain('alert-raised backend-silent east');
  expect(alerts(events)).toContain('alert-cleared backend-silent east');
  expect(stage.source.junctionPath).toBeUndefined();
});
