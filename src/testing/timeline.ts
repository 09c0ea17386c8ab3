/** What will happen, in order of (time, sequence). Nothing runs by itself: whoever looks at the world first runs all that is due. */

import { type Later, later } from './later.ts';

export interface TimelineEvent {
  /** Epoch milliseconds. */
  at: number;
  readonly sequence: number;
  readonly run: Later;
}

export class Timeline {
  private events: TimelineEvent[] = [];
  private sequence = 0;
  private time = Number.NEGATIVE_INFINITY;
  private readonly watchers = new Set<() => void>();
  static readonly notSaved = { watchers: () => new Set() };

  /** The time of the event that runs, or that of the last `runDue`: the world's idea of now. */
  get now(): number {
    return this.time;
  }

  /** Runs `run` at the given time (epoch ms; the past means as soon as possible). Returns the way to cancel it. */
  at(at: number, run: Later): Later {
    const event = { at: Math.max(at, this.time), sequence: this.sequence++, run };
    this.events.splice(this.firstAfter(event.at), 0, event);
    for (const watcher of this.watchers) watcher();
    return cancelled({ timeline: this, event });
  }

  cancel(event: TimelineEvent): void {
    const index = this.events.indexOf(event);
    if (index >= 0) this.events.splice(index, 1);
  }

  after(ms: number, run: Later): Later {
    return this.at(this.time + ms, run);
  }

  /** When the next event is due, in epoch milliseconds. */
  get next(): number | undefined {
    return this.events[0]?.at;
  }

  /** The wall clock is set: what was due in an hour is still due in an hour. */
  shift(ms: number): void {
    this.time += ms;
    for (const event of this.events) event.at += ms;
  }

  runDue(now: number): void {
    for (;;) {
      const event = this.events[0];
      if (event === undefined || event.at > now) break;
      this.events.shift();
      this.time = Math.max(this.time, event.at);
      event.run();
    }
    this.time = Math.max(this.time, now);
  }

  /** Calls `watcher` whenever an event is added, until the returned function is called. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** Events of equal time keep the order in which they were added: the place is after the last of them. */
  private firstAfter(at: number): number {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const event = this.events[middle];
      if (event !== undefined && event.at <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const cancelled = later(
  'timeline: cancel',
  ({ timeline, event }: { readonly timeline: Timeline; readonly event: TimelineEvent }) => timeline.cancel(event),
);
