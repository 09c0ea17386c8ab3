import { describe, expect, it } from 'vitest';
import { StateError } from '../../src/errors.ts';
import { DirectoryStateStore } from '../../src/state/directory.ts';
import type { EndpointState, PageReader, StagedVersion } from '../../src/state/state.ts';
import { SeededRandom } from '../../src/testing/random.ts';
import { type CrashOutcome, VolatileDisk } from '../../src/testing/volatile-disk.ts';
import { ScriptedSigns } from './scripted-signs.ts';

const ENDPOINT = '6f1c1f5e-3a52-4b8b-9d5e-0b8f6d1f7a01';
const text = (content: string) => new TextEncoder().encode(content);
const page = (content: number) => new Uint8Array(6000 + content).fill(content);

/** `table/page=content` of every page. */
async function contents(reader: PageReader): Promise<string> {
  const found: string[] = [];
  for (const table of ['vmap', 'catalogue']) {
    for await (const number of reader.pages(table)) {
      const content = await reader.read(table, number);
      if (content === undefined || content.some((byte) => byte !== content[0])) throw new Error('not what was written');
      found.push(`${table}/${number}=${content[0]}`);
    }
  }
  return found.join(' ');
}

describe('the state in a directory when the power fails', () => {
  const outcomes: readonly CrashOutcome[] = ['nothing', 'random', 'everything'];

  it('is the committed version or the one under way, whole, and so are checkpoint, documents and journal', async () => {
    let crashes = 0;
    for (const outcome of outcomes) {
      for (let seed = 1; seed <= (outcome === 'random' ? 3 : 1); seed++) {
        for (let point = 0; !(await survives(point, outcome, seed)); point++) crashes++;
      }
    }
    expect(crashes).toBeGreaterThan(400);
  });

  /** Works until the power fails at this change, looks at what is left, and works on; gives true when it never failed. */
  async function survives(point: number, outcome: CrashOutcome, seed: number): Promise<boolean> {
    const disk = new VolatileDisk({ random: new SeededRandom(seed * 10_000 + point) });
    const signs = new ScriptedSigns();
    let opened = 0;
    const open = () => {
      const random = new SeededRandom(seed * 10_000 + point + 5_000_000 + opened++);
      return new DirectoryStateStore('/srv/state', { disk: disk.attach(), signs, random }).open(ENDPOINT);
    };
    const allowed = {
      committed: new Known(''),
      checkpoint: new Known<string | undefined>(undefined),
      document: new Known<string | undefined>(undefined),
    };
    const journal = { appended: [] as string[], synced: 0 };
    disk.dieAfter(point);
    let died = false;
    try {
      await work(await open(), allowed, journal);
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      died = true;
    }
    disk.crash(outcome);
    signs.die();

    const where = `${outcome} at ${point} (seed ${seed})`;
    const state = await open();
    const committed = await contents(state);
    expect(allowed.committed.may, where).toContain(committed);
    const resumed = await state.resume();
    const checkpoint = resumed && `${new TextDecoder().decode(resumed.checkpointMeta)}: ${await contents(resumed)}`;
    expect(allowed.checkpoint.may, where).toContain(checkpoint);
    const document = await state.readDocument('plan');
    expect(allowed.document.may, where).toContain(document && new TextDecoder().decode(document));
    const records: string[] = [];
    for await (const record of (await state.openJournal('transfer')).records())
      records.push(new TextDecoder().decode(record));
    expect(journal.appended.slice(0, records.length), where).toEqual(records);
    expect(records.length, where).toBeGreaterThanOrEqual(journal.synced);

    // What was lost takes no space and does no harm: another version is written over it.
    const next = resumed ?? (await state.begin());
    const before = await contents(next);
    for (let number = 100; number < 110; number++) await next.write('vmap', number, page(number));
    await next.commit(text('after'));
    const added = Array.from({ length: 10 }, (_, index) => `vmap/${100 + index}=${100 + index}`);
    expect((await contents(state)).split(' ').sort()).toEqual([...before.split(' ').filter(Boolean), ...added].sort());
    await state.close();
    return !died;
  }

  /** What a thing may be after a crash: what it was last known to be, or what it was being made since. */
  class Known<T> {
    may: T[];

    constructor(now: T) {
      this.may = [now];
    }

    async become(next: T, work: () => Promise<unknown>): Promise<void> {
      this.may.push(next);
      await work();
      this.may = [next];
    }
  }

  async function work(
    state: EndpointState,
    allowed: { committed: Known<string>; checkpoint: Known<string | undefined>; document: Known<string | undefined> },
    journal: { appended: string[]; synced: number },
  ): Promise<void> {
    const commit = async (staged: StagedVersion) => {
      const next = await contents(staged);
      await allowed.checkpoint.become(undefined, () =>
        allowed.committed.become(next, () => staged.commit(text('meta'))),
      );
    };
    const checkpoint = async (staged: StagedVersion, meta: string) => {
      await allowed.checkpoint.become(`${meta}: ${await contents(staged)}`, () => staged.checkpoint(text(meta)));
    };

    const first = await state.begin();
    await first.write('vmap', 1, page(1));
    await first.write('vmap', 2000, page(2));
    await first.write('catalogue', 1, page(3));
    await commit(first);
    await allowed.document.become('one', () => state.writeDocument('plan', text('one')));

    const log = await state.openJournal('transfer');
    for (const batch of [['a', 'b'], ['c'.repeat(2000)], ['d']]) {
      journal.appended.push(...batch);
      await log.append(batch.map(text));
      if (batch[0] === 'd') continue;
      await log.sync();
      journal.synced = journal.appended.length;
    }

    const second = await state.begin();
    await second.write('vmap', 1, page(11));
    await checkpoint(second, 'half');
    await second.write('vmap', 1, page(12));
    await second.remove('vmap', 2000);
    await second.write('catalogue', 2, page(13));
    await checkpoint(second, 'most');
    await second.write('vmap', 3, page(14));
    await commit(second);
    await allowed.document.become('two', () => state.writeDocument('plan', text('two')));

    const third = await state.begin();
    await third.clear('vmap');
    await checkpoint(third, 'given up');
    await allowed.checkpoint.become(undefined, () => third.discard());
    await allowed.document.become(undefined, () => state.removeDocument('plan'));
    await state.close();
  }
});

describe('the state in a directory on a disk that fails', () => {
  function setUp() {
    const disk = new VolatileDisk();
    const signs = new ScriptedSigns();
    const open = () => new DirectoryStateStore('/state', { disk: disk.attach(), signs }).open(ENDPOINT);
    return { disk, signs, open };
  }

  it('never commits a version after a sync of it failed, whatever a second sync says', async () => {
    const { disk, open, signs } = setUp();
    const state = await open();
    const staged = await state.begin();
    await staged.write('vmap', 1, page(1));
    disk.addFault({ operation: 'sync', path: 'pages', errno: 'EIO' });
    await expect(staged.commit(text('1'))).rejects.toMatchObject({ code: 'STATE_UNAVAILABLE', retryable: false });
    await expect(staged.commit(text('1'))).rejects.toMatchObject({ code: 'STATE_CLOSED' });
    await staged.discard();
    const again = await state.begin();
    await again.write('vmap', 1, page(2));
    await again.commit(text('1'));
    disk.crash('nothing');
    signs.die();
    expect(await contents(await open())).toBe('vmap/1=2');
  });

  it('stages nothing more on a root whose fate is unknown', async () => {
    const { disk, open, signs } = setUp();
    const state = await open();
    const staged = await state.begin();
    await staged.write('vmap', 1, page(1));
    disk.addFault({ operation: 'syncFolder', errno: 'EIO' });
    await expect(staged.commit(text('1'))).rejects.toMatchObject({ code: 'STATE_UNAVAILABLE' });
    await staged.discard();
    await expect(state.begin()).rejects.toMatchObject({ code: 'STATE_CLOSED' });
    disk.crash('everything');
    signs.die();
    expect(await contents(await open())).toBe('vmap/1=1');
  });

  it('goes on from what was committed when the disk was full, and says which file it was', async () => {
    const { disk, open } = setUp();
    const state = await open();
    const staged = await state.begin();
    disk.addFault({ operation: 'write', path: 'pages', errno: 'ENOSPC' });
    await expect(staged.write('vmap', 1, page(1))).rejects.toMatchObject({
      code: 'STATE_NO_SPACE',
      file: '/state/pages',
      retryable: false,
    });
    await expect(staged.commit(text(''))).rejects.toMatchObject({ code: 'STATE_CLOSED' });
    await staged.discard();
    const again = await state.begin();
    await again.write('vmap', 1, page(1));
    await again.commit(text(''));
    expect(await contents(state)).toBe('vmap/1=1');
    disk.addFault({ operation: 'rename', errno: 'EMFILE' });
    await expect(state.writeDocument('plan', text('x'))).rejects.toMatchObject({
      code: 'STATE_UNAVAILABLE',
      retryable: true,
    });
    expect(await state.listDocuments()).toEqual([]);
  });

  it('lets go of the lock on a disk without room to say so', async () => {
    const { disk, signs, open } = setUp();
    const state = await open();
    disk.addFault({ operation: 'write', errno: 'ENOSPC' });
    await state.close();
    // A process that has ended leaves nothing by which anybody could tell.
    signs.says = { alive: undefined };
    await (await open()).close();
  });

  it('lets go of the lock when it could not be opened', async () => {
    const { disk, open } = setUp();
    await (await open()).close();
    disk.addFault({ operation: 'open', path: 'committed', errno: 'EACCES', after: 0 });
    await expect(open()).rejects.toMatchObject({ code: 'STATE_DENIED' });
    await (await open()).close();
  });
});
