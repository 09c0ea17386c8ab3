/** Schedules, by cron or by interval: when the next run is due. Times are UTC, as those of the simulated clusters. */

export interface CronSpec {
  readonly minutes?: readonly number[];
  readonly hours?: readonly number[];
  /** Days of the month, from 1. */
  readonly days?: readonly number[];
  /** From 1, January. */
  readonly months?: readonly number[];
  /** From 0, Sunday. */
  readonly weekdays?: readonly number[];
}

/** Every so often since it was made. */
export interface IntervalSpec {
  readonly everyMs: number;
  /** Epoch milliseconds. */
  readonly since: number;
}

export class Schedule {
  readonly uuid: string;
  readonly name: string;
  when: CronSpec | IntervalSpec;

  constructor(uuid: string, name: string, when: CronSpec | IntervalSpec) {
    this.uuid = uuid;
    this.name = name;
    this.when = when;
  }

  get type(): 'cron' | 'interval' {
    return 'everyMs' in this.when ? 'interval' : 'cron';
  }

  /** The first run after the given time; undefined when there is none within ten years. */
  nextAfter(epochMs: number): number | undefined {
    if ('everyMs' in this.when) {
      const { since, everyMs } = this.when;
      return since + (Math.floor((epochMs - since) / everyMs) + 1) * everyMs;
    }
    const { minutes, hours, days, months, weekdays } = this.when;
    let at = (Math.floor(epochMs / MINUTE) + 1) * MINUTE;
    for (const end = at + 3653 * DAY; at < end; ) {
      const date = new Date(at);
      const dayFits =
        fits(months, date.getUTCMonth() + 1) && fits(days, date.getUTCDate()) && fits(weekdays, date.getUTCDay());
      if (!dayFits) at = (Math.floor(at / DAY) + 1) * DAY;
      else if (!fits(hours, date.getUTCHours())) at = (Math.floor(at / HOUR) + 1) * HOUR;
      else if (!fits(minutes, date.getUTCMinutes())) at += MINUTE;
      else return at;
    }
    return undefined;
  }
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The schedules that every cluster is born with. */
export const BUILT_IN_SCHEDULES: Readonly<Record<string, CronSpec>> = {
  '5min': { minutes: [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55] },
  '8hour': { minutes: [15], hours: [2, 10, 18] },
  '10min': { minutes: [0, 10, 20, 30, 40, 50] },
  '12-hourly': { minutes: [15], hours: [0, 12] },
  '6-hourly': { minutes: [15], hours: [0, 6, 12, 18] },
  'pg-15-minutely': { minutes: [0, 15, 30, 45] },
  'pg-hourly': { minutes: [7] },
  daily: { minutes: [10], hours: [0] },
  hourly: { minutes: [5] },
  monthly: { minutes: [20], hours: [0], days: [1] },
  weekly: { minutes: [15], hours: [0], weekdays: [0] },
};

function fits(allowed: readonly number[] | undefined, value: number): boolean {
  return allowed === undefined || allowed.length === 0 || allowed.includes(value);
}
