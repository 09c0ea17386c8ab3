/**
 * A failover and a failback of three volumes are killed before and after every request and every journal write, and begun again by
 * another process, with the journal and without: all of them end as an undisturbed one. By enumeration; the judge looks from outside.
 * An ordinary run takes every twelfth or so of these deaths; DEATHS=all takes them all, DEATHS=2/10 the second of ten parts of all.
 */
import { describe, expect, it } from 'vitest';
import { openDebts, unfinishedOperations } from '../../../src/core/failover/journal-record.ts';
import { nothingKept } from '../../../src/state/memory-operation-journal.ts';
import type { Stage } from '../../scenarios/harness.ts';
import { type Death, deathsOf, inProcess, Process } from './killed.ts';
import { mirroredStage, sourceVolume, targetVolume, VOLUMES } from './pair-stage.ts';

const yes = { acknowledge: () => true } as const;

interface Deed {
  readonly name: string;
  readonly arrange: (stage: Stage) => Promise<void>;
  readonly act: (
    stage: Stage,
    process: Process,
    kept: ReturnType<typeof nothingKept> | undefined,
  ) => Promise<{ result: string }>;
  readonly counts: 'source' | 'target';
}

const failover: Deed = {
  name: 'failover',
  arrange: async (stage) => {
    for (const name of VOLUMES) stage.write(sourceVolume(stage, name), 3);
  },
  act: ({ dataMotion }, process, kept) => {
    const journal = kept === undefined ? undefined : process.journal(kept);
    return dataMotion.failover({ source: 'east' }, { ...yes, journal, fence: 'unmount', signal: process.signal });
  },
  counts: 'target',
};

const failback: Deed = {
  name: 'failback',
  arrange: async (stage) => {
    await stage.dataMotion.failover({ source: 'east' }, yes);
    for (const name of VOLUMES) stage.write(targetVolume(stage, name), 3);
    stage.write(sourceVolume(stage, 'vol2'), 2);
  },
  act: ({ dataMotion }, process, kept) => {
    const journal = kept === undefined ? undefined : process.journal(kept);
    return dataMotion.failback({ source: 'east' }, { ...yes, journal, signal: process.signal });
  },
  counts: 'source',
};

async function arranged(deed: Deed): Promise<{ stage: Stage; data: readonly string[] }> {
  const stage = await mirroredStage();
  await deed.arrange(stage);
  const newest = deed.counts === 'target' ? sourceVolume : targetVolume;
  return { stage, data: VOLUMES.map((name) => newest(stage, name).digest()) };
}

/** The data are where they count, and nothing differs from what an undisturbed run leaves. */
async function judge(deed: Deed, stage: Stage, data: readonly string[], goal: object, where: string): Promise<void> {
  const counts = deed.counts === 'target' ? targetVolume : sourceVolume;
  const volumes = VOLUMES.map((name) => counts(stage, name));
  expect(
    volumes.map((volume) => volume.digest()),
    where,
  ).toEqual(data);
  expect(
    volumes.map(({ type, state, junctionPath }) => [type, state, junctionPath]),
    where,
  ).toEqual(VOLUMES.map((name) => ['rw', 'online', `/${name}`]));
  const states = await stage.dataMotion.replicationState({ source: 'east' });
  expect(
    states.map(({ authority }) => authority),
    where,
  ).toEqual(VOLUMES.map(() => deed.counts));
  expect(await stage.remains(), where).toEqual(goal);
}

async function killedAndBegunAgain(deed: Deed, death: Death, journal: 'kept' | 'lost', goal: object, what: string) {
  const { stage, data } = await arranged(deed);
  await using _ = stage;
  const where = `${deed.name}, killed ${death.moment} ${death.at + 1} (${what}), journal ${journal}`;
  const kept = nothingKept();
  const first = new Process(death);
  await inProcess(stage, first, () => deed.act(stage, first, kept).catch(() => undefined));
  expect(first.isDead, where).toBe(true);
  const second = new Process();
  const report = await inProcess(stage, second, () => deed.act(stage, second, journal === 'kept' ? kept : undefined));
  expect(report, where).toMatchObject({ result: 'done' });
  await judge(deed, stage, data, goal, where);
}

/** All of them take minutes: `DEATHS=all vitest run test/run/failover/killed.test.ts`. */
const PART = partOf(process.env['DEATHS']);

/** Of how many parts which one; undefined: the sample of an ordinary run. */
function partOf(deaths: string | undefined): { readonly part: number; readonly of: number } | undefined {
  if (deaths === 'all') return { part: 1, of: 1 };
  const [part, of] = (deaths ?? '').split('/').map(Number);
  return part !== undefined && of !== undefined && part >= 1 && part <= of ? { part, of } : undefined;
}

describe.each([
  { ...failover, stride: 12 },
  { ...failback, stride: 17 },
])('$name', (deed) => {
  it('ends right wherever it was killed', async () => {
    const { stage, data } = await arranged(deed);
    await using _ = stage;
    const whole = new Process();
    await inProcess(stage, whole, () => deed.act(stage, whole, nothingKept()));
    const goal = await stage.remains();
    await judge(deed, stage, data, goal, 'undisturbed');
    for (const [index, death] of deathsOf(whole.doings).entries()) {
      const wanted = PART === undefined ? index % deed.stride === 0 : index % PART.of === PART.part - 1;
      if (!wanted) continue;
      const journals = PART ? (['kept', 'lost'] as const) : ([index % 2 === 0 ? 'kept' : 'lost'] as const);
      for (const journal of journals) {
        await killedAndBegunAgain(deed, death, journal, goal, whole.doings[death.at]?.what ?? '');
      }
    }
  }, 3_600_000);
});

it('with the journal another process goes on without asking again for what was accepted; without it the losses are asked for', async () => {
  await using stage = await mirroredStage();
  stage.east.kill();
  const kept = nothingKept();
  const plan = await stage.dataMotion.planFailover({ source: 'east' });
  const acknowledge = plan.acknowledgements.map(({ id }) => id);
  const first = new Process({ at: 30, moment: 'before' });
  const begun = { acknowledge, journal: first.journal(kept), signal: first.signal };
  await inProcess(stage, first, () => stage.dataMotion.failover(plan, begun).catch(() => undefined));
  expect(first.isDead).toBe(true);
  const second = new Process();
  const journal = second.journal(kept);
  expect(unfinishedOperations(await journal.records())).toMatchObject([
    { operation: plan.id, acknowledged: acknowledge },
  ]);
  await expect(stage.dataMotion.failover({ source: 'east' })).rejects.toMatchObject({
    code: 'FAILOVER_NOT_ACKNOWLEDGED',
  });
  expect(await stage.dataMotion.failover({ source: 'east' }, { journal })).toMatchObject({
    result: 'done',
    target: 'west',
  });
  expect(unfinishedOperations(await journal.records())).toEqual([]);
  expect(openDebts(await journal.records()).map(({ kind }) => kind)).toEqual(VOLUMES.map(() => 'source-unfenced'));
  stage.east.revive();
  await stage.dataMotion.failover({ source: 'east' }, { journal, fence: 'unmount' });
  expect(openDebts(await journal.records())).toEqual([]);
});
