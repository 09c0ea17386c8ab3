/** The campaign of failovers: a seed is a disaster, and a failing one is made as small as it goes. */
import type { Kind, Run } from '../kind.ts';
import { type Disaster, disasterOf } from './disaster.ts';
import { type Played, play } from './play.ts';

/** As often is a failing run played again, to leave out what it does not need. */
const MOST_ATTEMPTS = 60;

export const failoverKind: Kind = {
  async play(seed, quick) {
    const disaster = disasterOf(seed);
    const played = await play(disaster);
    if (played.violations.length === 0) return { counts: played.counts };
    const keep = quick ? all(disaster) : await smallest(disaster, signatureOf(played));
    const message = played.violations[0] ?? '';
    const told = quick ? message : tell(await play(only(disaster, keep)), false);
    return {
      counts: played.counts,
      failure: { message, report: `${told}\nto play it again: ${commandOf(seed, keep)}` },
    };
  },

  async replay(seed, keep, loud): Promise<Run> {
    const disaster = disasterOf(seed);
    const indexes = keep?.split(',').flatMap((text) => (text === '' ? [] : [Number(text)])) ?? all(disaster);
    const played = await play(only(disaster, indexes));
    const [message] = played.violations;
    const report = `${JSON.stringify(disaster.topology)}\n${tell(played, loud)}`;
    return { counts: played.counts, failure: { message: message ?? '', report } };
  },
};

function all({ happenings }: Disaster): readonly number[] {
  return happenings.map((_, index) => index);
}

function only(disaster: Disaster, keep: readonly number[]): Disaster {
  return { ...disaster, happenings: disaster.happenings.filter((_, index) => keep.includes(index)) };
}

/** Leaves out halves, quarters, and at last single happenings, for as long as the run fails in the same way. */
async function smallest(disaster: Disaster, signature: string): Promise<readonly number[]> {
  let keep = all(disaster);
  let attempts = 0;
  for (let size = Math.ceil(keep.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < keep.length && attempts < MOST_ATTEMPTS; ) {
      const fewer = keep.filter((_, index) => index < from || index >= from + size);
      attempts++;
      if (signatureOf(await play(only(disaster, fewer))) === signature) keep = fewer;
      else from += size;
    }
  }
  return keep;
}

/** The kind of the first violation: what is alike but for names and numbers. */
function signatureOf({ violations }: Played): string {
  return (violations[0] ?? '').slice(0, 120).replaceAll(/\d+|west|north|south|east/g, '#');
}

function commandOf(seed: number, keep: readonly number[]): string {
  return `npm run campaign -- --kind failover --replay ${seed} --keep ${keep.join(',')}`;
}

/** A line a happening: the time in seconds, who, and what. */
function tell({ lines, violations }: Played, loud: boolean): string {
  const shown = lines.filter((line) => loud || line.loud);
  const timeline = shown.map(
    ({ at, who, what }) => `${(at / 1000).toFixed(3).padStart(11)}  ${who.padEnd(15)} ${what}`,
  );
  return [...timeline, ...violations.map((violation) => `VIOLATION: ${violation}`)].join('\n');
}
