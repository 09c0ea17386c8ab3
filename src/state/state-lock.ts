/**
 * The lock on a folder: numbered files, of which the highest says who holds it, or that nobody does. A number is taken by
 * link(2), which fails where it is taken already, and lower ones are removed only by whoever took a higher one: so of
 * several processes that find the same dead holder only one follows it, and a holder whose lock was broken can tell.
 */
import { join } from 'node:path';
import { type Disk, errnoOf } from '../disk/disk.ts';
import { removeFile, removeQuietly, writeNewFile } from '../disk/durable-files.ts';
import type { Random } from '../env.ts';
import { StateError } from '../errors.ts';
import { framed, readFramed } from './framed-file.ts';
import type { GivenSign, SignOfLife, SignsOfLife } from './sign-of-life.ts';
import { onStateFile } from './state-disk-errors.ts';

export interface LockTools {
  readonly disk: Disk;
  readonly random: Random;
  readonly signs: SignsOfLife;
}

export class StateLock {
  readonly #folder: string;
  readonly #tools: LockTools;
  readonly #number: number;
  readonly #sign: SignOfLife;

  private constructor(folder: string, tools: LockTools, number: number, sign: SignOfLife) {
    this.#folder = folder;
    this.#tools = tools;
    this.#number = number;
    this.#sign = sign;
  }

  /** @throws StateError `STATE_LOCKED` */
  static async take(folder: string, tools: LockTools, breakLock: boolean, signal?: AbortSignal): Promise<StateLock> {
    const sign = await tools.signs.give(folder, tools.random.uuid());
    try {
      for (;;) {
        signal?.throwIfAborted();
        const last = await lastNumber(folder, tools.disk);
        const holder = await readLock(folder, tools.disk, last, breakLock);
        // Its successor removed it since.
        if (holder === undefined) continue;
        if (holder.by !== undefined) await refuseUnlessDead(folder, holder.by, tools.signs);
        if (!(await takeNumber(folder, tools, last + 1, { by: sign.given }))) continue;
        if (holder.by !== undefined) await tools.signs.forget(folder, holder.by);
        return new StateLock(folder, tools, last + 1, sign);
      }
    } catch (error) {
      await sign.end();
      throw error;
    }
  }

  /** @throws StateError `STATE_LOCK_LOST` */
  async check(): Promise<void> {
    const last = await lastNumber(this.#folder, this.#tools.disk);
    if (last === this.#number) return;
    throw new StateError('STATE_LOCK_LOST', `the lock on ${this.#folder} was taken over by another process`, {
      file: lockPath(this.#folder, last),
      remedy: 'Let one process at a time work with this state.',
    });
  }

  /** Says that nobody holds it, unless somebody else does by now. */
  async release(): Promise<void> {
    try {
      await takeNumber(this.#folder, this.#tools, this.#number + 1, FREE);
    } catch (error) {
      // On a full disk there is no room to say so. Without its file nobody holds it either.
      if (!(error instanceof StateError) || error.code !== 'STATE_NO_SPACE') throw error;
      await this.#remove();
    } finally {
      await this.#sign.end();
    }
  }

  async #remove(): Promise<void> {
    const { disk } = this.#tools;
    const path = lockPath(this.#folder, this.#number);
    if ((await lastNumber(this.#folder, disk)) !== this.#number) return;
    await onStateFile('let go of the lock', path, async () => {
      await removeFile(disk, path);
      await disk.syncFolder(this.#folder);
    });
  }
}

interface LockContent {
  readonly by?: GivenSign;
}

const FREE: LockContent = {};

async function refuseUnlessDead(folder: string, by: GivenSign, signs: SignsOfLife): Promise<void> {
  const alive = await signs.isAlive(folder, by);
  if (alive === false) return;
  const who = `process ${by.pid ?? '(unknown)'} on ${by.host}`;
  throw new StateError(
    'STATE_LOCKED',
    `${folder} is held by ${who}${alive ? '' : ', of which nobody can tell whether it lives'}`,
    {
      file: folder,
      attempted: 'open the state',
      // Waiting helps only if somebody is there to let go.
      retryable: alive === true,
      remedy: alive
        ? 'Wait until it is done.'
        : 'Make sure that the process is gone, then open the state with the lock broken.',
      details: { ...by },
    },
  );
}

/** False when somebody else has this number, or a higher one. */
async function takeNumber(
  folder: string,
  { disk, random }: LockTools,
  number: number,
  content: LockContent,
): Promise<boolean> {
  const path = lockPath(folder, number);
  const temporary = join(folder, `~${random.uuid()}.tmp`);
  return await onStateFile('take the lock', path, async () => {
    const bytes = new TextEncoder().encode(JSON.stringify(content));
    await writeNewFile(disk, temporary, framed(meaning(number), bytes));
    try {
      await disk.link(temporary, path);
    } catch (error) {
      // The temporary name may have been swept by somebody who holds the lock.
      if (errnoOf(error) === 'EEXIST' || errnoOf(error) === 'ENOENT') return false;
      throw error;
    } finally {
      await removeQuietly(disk, temporary);
    }
    const numbers = await numbersIn(folder, disk);
    // The number was free because others had been here long before: they are ahead.
    if (numbers.some((other) => other > number)) {
      await removeFile(disk, path);
      return false;
    }
    await disk.syncFolder(folder);
    for (const lower of numbers) if (lower < number) await removeFile(disk, lockPath(folder, lower));
    return true;
  });
}

/** `undefined` if it is gone. */
async function readLock(
  folder: string,
  disk: Disk,
  number: number,
  breakLock: boolean,
): Promise<LockContent | undefined> {
  if (number === 0 || breakLock) return FREE;
  const content = await readFramed(disk, lockPath(folder, number), meaning(number));
  return content && (JSON.parse(new TextDecoder().decode(content)) as LockContent);
}

async function lastNumber(folder: string, disk: Disk): Promise<number> {
  return Math.max(0, ...(await onStateFile('look at the lock', folder, () => numbersIn(folder, disk))));
}

async function numbersIn(folder: string, disk: Disk): Promise<number[]> {
  const entries = await disk.listFolder(folder);
  return entries.flatMap(({ name }) => {
    const number = /^lock\.(\d{1,15})$/.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

function lockPath(folder: string, number: number): string {
  return join(folder, `lock.${number}`);
}

function meaning(number: number): readonly string[] {
  return ['lock', `${number}`];
}
