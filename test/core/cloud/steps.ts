/**
 * Random histories of a volume and its endpoint: what can happen, how often, and how it is told. Two machines play them:
 * one of the phases alone (machine.ts), one of the engine (test/run/cloud/machine.ts).
 */
import fc from 'fast-check';
import type { WaflVolume } from '../../../src/core/wafl/volume.ts';

/** What happens on the source alone. */
export type VolumeStep =
  | {
      readonly do: 'write';
      readonly file: number;
      readonly block: number;
      readonly content: number;
      readonly count: number;
    }
  | { readonly do: 'punch' | 'truncate'; readonly file: number; readonly block: number; readonly count: number }
  | { readonly do: 'clone' | 'rename'; readonly file: number; readonly other: number }
  | { readonly do: 'delete' | 'attributes' | 'rollback'; readonly file: number }
  | { readonly do: 'dedupe' };

/** What comes after a crash. Another writer may take over and collect, so that what was sent is gone. */
const AFTER_CRASH = ['resume', 'collect, resume', 'another writer, collect, resume', 'abandon', 'leave'] as const;

/** What happens to the endpoint. */
export type EndpointStep =
  | { readonly do: 'snapshot' | 'collect' | 'other-writer' | 'rebuild' | 'resume' }
  | { readonly do: 'backup'; readonly baseline: boolean }
  /** The process dies before or after one of its writes. */
  | {
      readonly do: 'crash';
      readonly at: number;
      readonly when: 'before' | 'after';
      readonly next: (typeof AFTER_CRASH)[number];
    }
  /** Another writer takes the endpoint over in the middle of a transfer, which then goes on. */
  | { readonly do: 'overtaken'; readonly at: number }
  | { readonly do: 'drop-snapshot' | 'forget'; readonly which: number; readonly baseToo: boolean }
  /** A restore is under way while its snapshot is forgotten and a collection runs. */
  | { readonly do: 'hold'; readonly which: number }
  | {
      readonly do: 'restore';
      readonly which: number;
      readonly common: number;
      readonly file: number;
      readonly from: number;
    }
  /** Something that is needed is damaged in a copy of the store. */
  | {
      readonly do: 'damage';
      readonly which: number;
      readonly byte: number;
      readonly how: 'flip' | 'cut' | 'lose' | 'swap';
    };

export type Step = VolumeStep | EndpointStep;

/** Something that must always hold did not. The message begins with the invariant's number. */
export class Violation extends Error {
  constructor(problems: readonly string[], at: string) {
    super(`${problems.slice(0, 5).join('; ')} (${at})`);
  }
}

const file = fc.nat(3);
const block = fc.nat(13);
const few = fc.nat(15);
const oneIn = (n: number) => fc.integer({ min: 0, max: n - 1 }).map((drawn) => drawn === n - 1);
const is = <const T extends string>(...names: readonly [T, ...T[]]) => fc.constantFrom(...names);

/** Mostly writes and backups, a little of everything else. */
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: is('write'), file, block, content: fc.nat(5), count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: is('punch', 'truncate'), file, block, count: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: is('clone', 'rename'), file, other: file }) },
  { weight: 3, arbitrary: fc.record({ do: is('delete', 'attributes', 'rollback'), file }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: is('dedupe', 'snapshot', 'collect', 'other-writer', 'rebuild', 'resume') }),
  },
  { weight: 8, arbitrary: fc.record({ do: is('backup'), baseline: oneIn(10) }) },
  {
    weight: 7,
    arbitrary: fc.record({
      do: is('crash'),
      at: fc.oneof(fc.nat(4), fc.nat(22)),
      when: is('before', 'after'),
      next: is(...AFTER_CRASH),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: is('overtaken'), at: fc.nat(14) }) },
  { weight: 6, arbitrary: fc.record({ do: is('drop-snapshot', 'forget'), which: few, baseToo: oneIn(6) }) },
  { weight: 2, arbitrary: fc.record({ do: is('hold'), which: few }) },
  { weight: 2, arbitrary: fc.record({ do: is('restore'), which: few, common: few, file, from: fc.nat(30_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: is('damage'),
      which: fc.nat(200),
      byte: fc.nat(20_000),
      how: is('flip', 'cut', 'lose', 'swap'),
    }),
  },
);

export const history: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 8, maxLength: 44, size: 'max' });

export function isVolumeStep(step: Step): step is VolumeStep {
  return VOLUME_STEPS.has(step.do);
}

const VOLUME_STEPS: ReadonlySet<string> = new Set<VolumeStep['do']>([
  'write',
  'punch',
  'truncate',
  'clone',
  'rename',
  'delete',
  'attributes',
  'rollback',
  'dedupe',
]);

/** @throws VolumeModelError when the volume refuses */
export function changeVolume(volume: WaflVolume, step: VolumeStep): void {
  switch (step.do) {
    case 'write': {
      const path = `/f${step.file}`;
      if (!volume.exists(path)) volume.create(path);
      const bytes = new Uint8Array(4096 * step.count - (step.content === 0 ? 100 : 0));
      for (let i = 0; i < step.count; i++) bytes.fill(1 + step.content + (i % 2), i * 4096, (i + 1) * 4096);
      volume.write(path, step.block * 4096, bytes);
      return;
    }
    case 'punch':
      volume.punchHole(`/f${step.file}`, step.block * 4096, step.count * 4096);
      return;
    case 'truncate':
      volume.truncate(`/f${step.file}`, step.block * 4096 + step.count);
      return;
    case 'clone':
      volume.cloneFile(`/f${step.file}`, `/f${step.other}`);
      return;
    case 'rename':
      volume.rename(`/f${step.file}`, `/f${step.other}`, { replace: true });
      return;
    case 'delete':
      volume.remove(`/f${step.file}`);
      return;
    case 'attributes':
      volume.setAttributes(`/f${step.file}`, { mode: 0o600 + step.file });
      return;
    case 'rollback': {
      const snapshots = volume.snapshots();
      const target = snapshots[step.file % Math.max(1, snapshots.length)];
      if (target !== undefined) volume.restoreSnapshot(target.name);
      return;
    }
    case 'dedupe':
      volume.dedupe();
  }
}

/** A step as people tell it; `which` and `common` count what is there at that time, round and round. */
export function tellStep(step: Step): string {
  switch (step.do) {
    case 'write':
      return `write ${step.count} blocks of content ${step.content} to /f${step.file} from block ${step.block}`;
    case 'punch':
      return `punch a hole of ${step.count} blocks into /f${step.file} at block ${step.block}`;
    case 'truncate':
      return `truncate /f${step.file} to ${step.block} blocks and ${step.count} bytes`;
    case 'clone':
      return `clone /f${step.file} as /f${step.other}`;
    case 'rename':
      return `rename /f${step.file} to /f${step.other}`;
    case 'delete':
      return `delete /f${step.file}`;
    case 'attributes':
      return `change the attributes of /f${step.file}`;
    case 'rollback':
      return `roll the volume back to snapshot ${step.file}`;
    case 'backup':
      return step.baseline ? 'make a snapshot, and a baseline of it' : 'make a snapshot, and back it up';
    case 'crash':
      return `back up a new snapshot, die ${step.when} write ${step.at}, then ${step.next}`;
    case 'overtaken':
      return `back up a new snapshot; at write ${step.at} another writer takes over, then it goes on`;
    case 'drop-snapshot':
      return `delete snapshot ${step.which} on the source${step.baseToo ? ', maybe the base' : ''}`;
    case 'forget':
      return `forget backup ${step.which}${step.baseToo ? ', maybe the base' : ''}`;
    case 'hold':
      return `restore backup ${step.which}; meanwhile forget it and collect`;
    case 'restore':
      return `restore backup ${step.which}, whole, onto backup ${step.common}, and /f${step.file} from byte ${step.from}`;
    case 'damage':
      return `damage a copy of the store (${step.how} at byte ${step.byte} of key ${step.which})`;
    default:
      return step.do;
  }
}
