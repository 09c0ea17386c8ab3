/** What all clusters of one world share: time, chance, speed, and the answers to what nobody knows about ONTAP. */
import type { Clock, Random } from '../env.ts';
import type { Switches } from './switches.ts';
import { Timeline } from './timeline.ts';

/** The clusters' clock: the injected one, set to another time. */
export class ClusterClock implements Clock {
  readonly #base: Clock & { hold?: () => () => void };
  /** How far it is ahead of the injected clock. */
  offsetMs = 0;

  constructor(base: Clock) {
    this.#base = base;
  }

  now(): number {
    return this.#base.now() + this.offsetMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#base.sleep(ms, signal);
  }

  /** As `VirtualClock.hold`, where the injected clock has it. */
  hold(): () => void {
    return this.#base.hold?.() ?? (() => {});
  }
}

export class Physics {
  readonly clock: ClusterClock;
  readonly random: Random;
  readonly switches: Switches;
  /** Bytes per second that a transfer moves. */
  readonly transferRate: number;
  /** How long a job takes that has nothing to wait for. */
  readonly operationMs: number;
  /** How long every answer takes. */
  latencyMs: number;
  readonly timeline = new Timeline();
  private settling = false;

  constructor(facts: Pick<Physics, 'clock' | 'random' | 'switches' | 'transferRate' | 'operationMs' | 'latencyMs'>) {
    this.clock = facts.clock;
    this.latencyMs = facts.latencyMs;
    this.random = facts.random;
    this.switches = facts.switches;
    this.transferRate = facts.transferRate;
    this.operationMs = facts.operationMs;
    this.timeline.runDue(this.clock.now());
  }

  /** Sets the clusters' clock, forwards or back. What is under way goes on for as long as it would have. */
  jump(ms: number): void {
    this.settle();
    this.clock.offsetMs += ms;
    this.timeline.shift(ms);
  }

  /** Lets everything happen that is due by the clock. */
  settle(): void {
    if (this.settling) return;
    this.settling = true;
    try {
      this.timeline.runDue(this.clock.now());
    } finally {
      this.settling = false;
    }
  }
}
