/**
 * What hosts were told is written, and what somebody agreed to lose: kept by the campaign, so that nobody has to be believed. Every
 * write is a number of its own in a file of its volume; what a copy holds is read from its content.
 */
import type { Acknowledgement } from '../../src/core/failover/plan.ts';
import type { SimulatedVolume } from '../../src/testing/index.ts';

/** One acknowledged write. */
export interface Write {
  readonly volume: string;
  readonly number: number;
  readonly backend: string;
  /** Written where it was already known to be lost: on a side that does not count, or while a failover was leaving it. */
  readonly doubtful: boolean;
  /** By the clusters' clock. */
  readonly at: number;
}

/** A loss that somebody stands for, of one volume. */
interface Accepted {
  readonly volume: string;
  readonly loses: (write: Write) => boolean;
}

const FILE = '/data/log';
const RECORD_BYTES = 8;

export class Ledger {
  readonly writes: Write[] = [];
  readonly #accepted: Accepted[] = [];
  readonly #numbers = new Map<string, number>();

  /** @throws VolumeModelError when the volume takes no writes */
  write(volume: SimulatedVolume, name: string, facts: Omit<Write, 'volume' | 'number'>): number {
    const number = (this.#numbers.get(name) ?? 0) + 1;
    volume.write(FILE, (number - 1) * RECORD_BYTES, recordOf(number));
    this.#numbers.set(name, number);
    this.writes.push({ ...facts, volume: name, number });
    return number;
  }

  /**
   * Somebody accepted this loss by name. What was not replicated is told as a point in time, whoever wrote since; what is overwritten is
   * what the side holds.
   * @param base what is left of it, by the plan
   * @param held what the losing side holds now
   */
  accept({ volume, backend, kind }: Acknowledgement, base: ReadonlySet<number>, held: ReadonlySet<number>): void {
    const loses = (write: Write) =>
      !base.has(write.number) &&
      (kind === 'unreplicated-writes' || write.backend === backend || held.has(write.number));
    this.#accepted.push({ volume, loses });
  }

  /** Somebody discarded by hand what a backend holds, but for this. */
  discard(volume: string, backend: string, kept: ReadonlySet<number>): void {
    this.#accepted.push({ volume, loses: (write) => write.backend === backend && !kept.has(write.number) });
  }

  /** Acknowledged writes that a side does not hold, and that nobody agreed to lose. */
  missingFrom(held: ReadonlySet<number>, name: string): readonly Write[] {
    return this.writes.filter((write) => {
      if (write.volume !== name || write.doubtful || held.has(write.number)) return false;
      return !this.#accepted.some(({ volume, loses }) => volume === name && loses(write));
    });
  }
}

/** The writes that a volume, or one of its snapshots, holds. @throws Error when something else stands there */
export function writesIn(side: Pick<SimulatedVolume, 'files' | 'read'>): ReadonlySet<number> {
  const found = new Set<number>();
  if (!side.files().includes(FILE)) return found;
  const bytes = side.read(FILE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let index = 0; (index + 1) * RECORD_BYTES <= bytes.length; index++) {
    const [number, check] = [view.getUint32(index * RECORD_BYTES), view.getUint32(index * RECORD_BYTES + 4)];
    if (number === 0 && check === 0) continue;
    if (number !== index + 1 || check !== checkOf(number)) throw new Error(`record ${index + 1} of ${FILE} is damaged`);
    found.add(number);
  }
  return found;
}

function recordOf(number: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, number);
  view.setUint32(4, checkOf(number));
  return bytes;
}

function checkOf(number: number): number {
  return Math.imul(number, 0x9e3779b1) >>> 0;
}
