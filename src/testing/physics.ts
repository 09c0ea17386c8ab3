/** What all clusters of one world share: time, chance, speed, and the answers to what nobody knows about ONTAP. */
import type { Clock, Random } from '../env.ts';
import type { Switches } from './switches.ts';
import { Timeline } from './timeline.ts';

export class Physics {
  readonly clock: Clock;
  readonly random: Random;
  readonly switches: Switches;
  /** Bytes per second that a transfer moves. */
  readonly transferRate: number;
  /** How long a job takes that has nothing to wait for. */
  readonly operationMs: number;
  readonly timeline = new Timeline();
  private settling = false;

  constructor(facts: Pick<Physics, 'clock' | 'random' | 'switches' | 'transferRate' | 'operationMs'>) {
    this.clock = facts.clock;
    this.random = facts.random;
    this.switches = facts.switches;
    this.transferRate = facts.transferRate;
    this.operationMs = facts.operationMs;
    this.timeline.runDue(this.clock.now());
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
