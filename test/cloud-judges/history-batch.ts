/** A batch of random histories, of the phases alone or of the engine: the unit that campaigns count, shard and go on from. */
import fc from 'fast-check';
import { Machine as CoreMachine } from '../core/cloud/machine.ts';
import { history, type Step, tellStep } from '../core/cloud/steps.ts';
import { Machine as EngineMachine } from '../run/cloud/machine.ts';

/** `core`: the phases by a driver without I/O. `engine`: CloudEndpoint over stores and states. */
export const LAYERS = ['core', 'engine'] as const;
export type Layer = (typeof LAYERS)[number];

export interface Batch {
  readonly layer: Layer;
  readonly seed: number;
  readonly histories: number;
  /** Where a failing history was found, to play that one again. */
  readonly path?: string | undefined;
  /** A failing history is told as it is, and not made shorter first. */
  readonly quick?: boolean | undefined;
}

export interface BatchResult {
  /** What happened in them: steps, transfers, crashes... */
  readonly counts: Readonly<Record<string, number>>;
  /** Steps by kind. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly failure?: BatchFailure | undefined;
}

export interface BatchFailure {
  /** Begins with the number of the invariant that did not hold, if it is one. */
  readonly message: string;
  /** The shortest history that was found to fail, for people. */
  readonly report: string;
}

export async function playBatch({ layer, seed, histories, path, quick = false }: Batch): Promise<BatchResult> {
  const counts: Record<string, number> = {};
  const kinds: Record<string, number> = {};
  const property = fc.asyncProperty(history, async (steps) => {
    const machine = layer === 'core' ? new CoreMachine() : new EngineMachine();
    await machine.play(steps);
    add(counts, machine.counts);
    add(kinds, machine.kinds);
  });
  const result = await fc.check(property, {
    numRuns: histories,
    seed,
    endOnFailure: quick,
    ...(path !== undefined && { path }),
  });
  if (!result.failed) return { counts, kinds };
  const { errorInstance: error, counterexample, counterexamplePath } = result;
  const message = error instanceof Error ? error.message : String(error);
  const stack = /^I\d/.test(message) || !(error instanceof Error) ? '' : `\n${error.stack}`;
  const replay = `node test/cloud-judges/campaign.ts --layer ${layer} --replay ${seed}/${counterexamplePath}`;
  const report = `${message}${stack}\nthe history:\n${tellHistory(counterexample?.[0] ?? [])}\nto play it again: ${replay}`;
  return { counts, kinds, failure: { message, report } };
}

function tellHistory(steps: readonly Step[]): string {
  return steps.map((step, at) => `${`${at + 1}`.padStart(4)}. ${tellStep(step)}`).join('\n');
}

export function add(totals: Record<string, number>, more: Readonly<Partial<Record<string, number>>>): void {
  for (const [what, count = 0] of Object.entries(more)) totals[what] = (totals[what] ?? 0) + count;
}
