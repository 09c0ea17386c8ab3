/**
 * Run (layer 3): what a call tells while it works. Every step reports how much is done, never less than before, at its
 * beginning, at its end, and at least once a second by the injected clock in between.
 */
import type { Clock } from '../../env.ts';

/** The names under which ONTAP shows what its SnapMirror Cloud transfers are doing. */
export const ONTAP_ACTIVITIES = [
  'WAFL_S2C_FIND_ENTS_TO_PROCESS_VMAP',
  'WAFL_S2C_UPDATE_CPVBN_VMAP',
  'WAFL_S2C_READ_AND_POPULATE_INDIRECTS',
  'WAFL_S2C_WALK_VMAP_OBJID',
] as const;
/** One activity of `ONTAP_ACTIVITIES`. */
export type OntapActivity = (typeof ONTAP_ACTIVITIES)[number];

/** Steps in the order in which they run, what they count, and the name that ONTAP has for them. */
export const CLOUD_STEPS = {
  /** Phase 1: VVBNs that the snapshot does not hold leave the VMAP. */
  invalidate: { counts: 'VMAP pages', activity: 'WAFL_S2C_FIND_ENTS_TO_PROCESS_VMAP' },
  /** Phases 2 and 3: what changed. */
  scan: { counts: 'inodes', activity: 'WAFL_S2C_FIND_ENTS_TO_PROCESS_VMAP' },
  /** Phases 4 and 5 of user data. */
  'level-0': { counts: 'blocks', activity: 'WAFL_S2C_UPDATE_CPVBN_VMAP' },
  /** Phases 4 and 5 of indirect blocks. */
  'level-1': { counts: 'blocks', activity: 'WAFL_S2C_READ_AND_POPULATE_INDIRECTS' },
  'level-2': { counts: 'blocks', activity: 'WAFL_S2C_READ_AND_POPULATE_INDIRECTS' },
  'level-3': { counts: 'inodes', activity: 'WAFL_S2C_READ_AND_POPULATE_INDIRECTS' },
  /** Phase 6. */
  'object-ids': { counts: 'VMAP pages', activity: 'WAFL_S2C_WALK_VMAP_OBJID' },
  /** A restore: what it has to set, and what it reads. */
  plan: { counts: 'inodes', activity: undefined },
  fetch: { counts: 'blocks', activity: undefined },
  /** A verification. */
  'verify-snapshots': { counts: 'snapshots', activity: undefined },
  'verify-objects': { counts: 'objects', activity: undefined },
  /** A collection. */
  'list-objects': { counts: 'keys', activity: undefined },
  'delete-objects': { counts: 'keys', activity: undefined },
  /** A rebuilt VMAP and catalogue. */
  rebuild: { counts: 'VMAP entries', activity: undefined },
} as const satisfies Record<string, { counts: string; activity: OntapActivity | undefined }>;
/** One step of `CLOUD_STEPS`. */
export type CloudStep = keyof typeof CLOUD_STEPS;

/** How far a step of a phase is. Monotonic; done equals total at the end. */
export interface CloudProgress {
  readonly endpoint: string;
  readonly step: CloudStep;
  /** What `done` and `total` count. */
  readonly counts: string;
  readonly activity: OntapActivity | undefined;
  readonly done: number;
  /** Absent until it is known; equal to `done` at the end of the step. */
  readonly total: number | undefined;
  /** Bytes read from, or written to, the store in this step. */
  readonly bytes: number;
  readonly bytesPerSecond: number;
  readonly remainingMs: number | undefined;
  /** The step is over. */
  readonly ended: boolean;
}

const TICK_MS = 1000;
/** Not more often than this, save the beginning and the end of a step. */
const QUIET_MS = 200;

interface Running {
  readonly startedAt: number;
  done: number;
  total: number | undefined;
  bytes: number;
  toldAt: number;
}

export class ProgressReporter implements Disposable {
  readonly #endpoint: string;
  readonly #clock: Clock;
  readonly #tell: (progress: CloudProgress) => void;
  readonly #steps = new Map<CloudStep, Running>();
  readonly #ended = new AbortController();

  constructor(endpoint: string, clock: Clock, tell: ((progress: CloudProgress) => void) | undefined) {
    this.#endpoint = endpoint;
    this.#clock = clock;
    this.#tell = tell ?? (() => {});
    if (tell !== undefined) void this.#tick();
  }

  begin(step: CloudStep, total?: number): void {
    const running = { startedAt: this.#clock.now(), done: 0, total, bytes: 0, toldAt: 0 };
    this.#steps.set(step, running);
    this.#report(step, running, false);
  }

  /** More is known to be there. */
  expect(step: CloudStep, more: number): void {
    const running = this.#steps.get(step);
    if (running !== undefined) running.total = (running.total ?? 0) + more;
  }

  advance(step: CloudStep, done: number, bytes = 0): void {
    const running = this.#steps.get(step);
    if (running === undefined) return;
    running.done += done;
    running.bytes += bytes;
    if (running.total !== undefined && running.total < running.done) running.total = running.done;
    if (this.#clock.now() - running.toldAt >= QUIET_MS) this.#report(step, running, false);
  }

  end(step: CloudStep): void {
    const running = this.#steps.get(step);
    if (running === undefined) return;
    this.#steps.delete(step);
    running.total = running.done;
    this.#report(step, running, true);
  }

  /** Nothing is told any more. */
  [Symbol.dispose](): void {
    this.#ended.abort();
  }

  async #tick(): Promise<void> {
    const { signal } = this.#ended;
    try {
      while (!signal.aborted) {
        await this.#clock.sleep(TICK_MS, signal);
        const now = this.#clock.now();
        for (const [step, running] of this.#steps)
          if (now - running.toldAt >= QUIET_MS) this.#report(step, running, false);
      }
    } catch {
      // The call is over.
    }
  }

  #report(step: CloudStep, running: Running, ended: boolean): void {
    const now = this.#clock.now();
    running.toldAt = now;
    const { done, total, bytes } = running;
    const elapsedMs = Math.max(1, now - running.startedAt);
    const remainingMs = total === undefined || done === 0 ? undefined : Math.round((elapsedMs * (total - done)) / done);
    this.#tell({
      endpoint: this.#endpoint,
      step,
      ...CLOUD_STEPS[step],
      done,
      total,
      bytes,
      bytesPerSecond: Math.round((bytes * 1000) / elapsedMs),
      remainingMs,
      ended,
    });
  }
}
