import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObjectId } from '../../../src/core/cloud/block-numbers.ts';
import type {
  HistoryEntry,
  RetentionRule,
  SnapshotFacts,
  TakeOverEntry,
} from '../../../src/core/cloud/format/history-entry.ts';
import {
  applyEntry,
  type EndpointState,
  findSnapshot,
  NO_ENDPOINT,
  ObjectIdRange,
  type Proposal,
  proposeCollect,
  proposeCommit,
  proposeForget,
  proposeHold,
  proposeRetention,
  proposeTakeOver,
  replay,
} from '../../../src/core/cloud/history.ts';

const PROPERTIES = { sourceKind: 'wafl', sourceId: 'v', pointersPerBlock: 4 };

/** The log as a store keeps it: a number is taken once. */
class Log {
  readonly entries: HistoryEntry[] = [];

  putIfAbsent(entry: HistoryEntry): boolean {
    if (this.entries[entry.number - 1] !== undefined) return false;
    if (entry.number !== this.entries.length + 1) throw new Error('a writer left a gap');
    this.entries.push(entry);
    return true;
  }

  read(upTo = this.entries.length): EndpointState {
    return replay(this.entries.slice(0, upTo).map((entry) => ({ entry, digest: `digest ${entry.number}` })));
  }
}

/** A writer that may sleep at any time: what it knows of the history is as old as its last look. */
class Writer {
  readonly name: string;
  readonly log: Log;
  seen: EndpointState = NO_ENDPOINT;
  owner: TakeOverEntry | undefined;
  range: ObjectIdRange | undefined;
  /** The base and the ids of the transfer under way. */
  transfer: { readonly base: number; readonly ids: ObjectId[] } | undefined;
  readonly used: ObjectId[] = [];

  constructor(name: string, log: Log) {
    this.name = name;
    this.log = log;
  }

  /** Puts what is proposed on what was seen; on losing the number, looks again and says so. */
  put(propose: (state: EndpointState) => Proposal<HistoryEntry>): HistoryEntry | 'lost' | 'refused' {
    const proposal = propose(this.seen);
    if (!proposal.ok) return 'refused';
    const { entry } = proposal;
    const won = this.log.putIfAbsent(entry);
    this.seen = won ? applyEntry(this.seen, entry, `digest ${entry.number}`) : this.log.read();
    return won ? entry : 'lost';
  }

  takeOver(): void {
    const properties = this.seen.owner === undefined ? PROPERTIES : undefined;
    const entry = this.put((state) =>
      proposeTakeOver(state, { writer: this.name, at: 0, exclusion: 'put-if-absent', objectIds: 16, properties }),
    );
    if (entry === 'lost' || entry === 'refused') return;
    this.owner = entry as TakeOverEntry;
    this.range = new ObjectIdRange(this.owner);
    this.transfer = undefined;
  }

  upload(): void {
    if (this.range === undefined || this.range.left < 2) return;
    this.transfer ??= { base: this.seen.base?.id ?? 0, ids: [] };
    const id = this.range.take();
    this.transfer.ids.push(id);
    this.used.push(id);
  }

  commit(): void {
    const { owner, range, transfer } = this;
    if (owner === undefined || range === undefined || transfer === undefined || range.left < 1) return;
    const id = range.take();
    this.used.push(id);
    const snapshot: SnapshotFacts = {
      id,
      uuid: `u${this.name}${id}`,
      name: `s${this.name}${id}`,
      createdAt: 0,
      base: transfer.base,
      manifestDigest: '',
    };
    if (this.put((state) => proposeCommit(state, owner, snapshot, range.next, 0)) !== 'lost') this.transfer = undefined;
  }

  forget(which: number): void {
    const target = this.seen.snapshots[which % Math.max(1, this.seen.snapshots.length)];
    if (target === undefined) return;
    this.put((state) => proposeForget(state, [target.id], target.id === state.base?.id ? 'baseline' : 'continue', 0));
  }

  collect(): void {
    this.put((state) => proposeCollect(state, 0));
  }
}

const act = fc.record({
  writer: fc.nat(2),
  what: fc.constantFrom('look', 'take-over', 'upload', 'upload', 'commit', 'commit', 'forget', 'collect'),
  which: fc.nat(5),
});

describe('the history of an endpoint', () => {
  it('I11: whatever writers do, and however long they sleep, only the latest take-over commits, each commit on the base', () => {
    const totals = { commits: 0, foreign: 0, takeOvers: 0, collections: 0 };
    fc.assert(
      fc.property(fc.array(act, { minLength: 20, maxLength: 120, size: 'max' }), (acts) => {
        const log = new Log();
        const writers = ['a', 'b', 'c'].map((name) => new Writer(name, log));
        for (const { writer, what, which } of acts) {
          const one = writers[writer];
          if (one === undefined) continue;
          if (what === 'look') one.seen = log.read();
          else if (what === 'take-over') one.takeOver();
          else if (what === 'upload') one.upload();
          else if (what === 'commit') one.commit();
          else if (what === 'forget') one.forget(which);
          else one.collect();
        }
        // Nothing that was put is illegal: replaying throws otherwise.
        log.read();
        const used = writers.flatMap((writer) => writer.used);
        expect(new Set(used).size, 'an object id was given twice').toBe(used.length);
        checkLog(log, totals);
      }),
      { numRuns: 500, seed: 99 },
    );
    for (const [what, count] of Object.entries(totals))
      if (what !== 'foreign') expect(count, what).toBeGreaterThan(400);
    expect(totals.foreign).toBe(0);
  });

  it('I11: a writer that was taken over from is told so, and cannot put anything', () => {
    const log = new Log();
    const [one, other] = [new Writer('one', log), new Writer('other', log)];
    one.takeOver();
    one.upload();
    other.seen = log.read();
    other.takeOver();
    const { owner, range } = one;
    if (owner === undefined || range === undefined) throw new Error('it did not take over');
    const snapshot = { id: range.take(), uuid: 'u', name: 's', createdAt: 0, base: 0, manifestDigest: '' };
    const commit = () => one.put((state) => proposeCommit(state, owner, snapshot, range.next, 0));
    expect(commit()).toBe('lost');
    expect(commit()).toBe('refused');
    const proposal = proposeCommit(one.seen, owner, snapshot, range.next, 0);
    expect(proposal).toMatchObject({
      ok: false,
      code: 'CLOUD_CONFLICT',
      reason: 'other took the endpoint over with entry 2',
    });
  });

  it('a take-over may go on with the transfer of the latest one, and of no other', () => {
    const { state, owner } = endpoint();
    const request = { writer: 'w', at: 0, exclusion: 'put-if-absent', resumes: owner } as const;
    const resumed = put(state, proposeTakeOver(state, request));
    expect(resumed.inFlightFrom).toBe(owner.firstObjectId);
    expect(proposeTakeOver(resumed, request)).toMatchObject({ ok: false, code: 'CLOUD_CONFLICT' });
    const anew = put(resumed, proposeTakeOver(resumed, { ...request, resumes: undefined }));
    expect(anew.inFlightFrom).toBe(anew.owner?.firstObjectId);
  });

  it('I6: the newest snapshot is forgotten only with its consequence', () => {
    const { state } = endpoint(['s1', 's2']);
    const [oldest, newest] = state.snapshots.map(({ id }) => id);
    if (oldest === undefined || newest === undefined) throw new Error('too few snapshots');
    expect(proposeForget(state, [newest], 'continue', 0)).toMatchObject({ ok: false, code: 'CLOUD_SNAPSHOT_IS_BASE' });
    const older = put(state, proposeForget(state, [oldest], 'continue', 0));
    expect(older.base?.id).toBe(newest);
    const baseline = put(state, proposeForget(state, [newest], 'baseline', 0));
    expect(baseline.base).toBeUndefined();
    expect(baseline.snapshots.map(({ id }) => id)).toEqual([oldest]);
    const ended = put(state, proposeForget(state, [newest, oldest], 'end', 0));
    const request = { writer: 'w', at: 0, exclusion: 'put-if-absent' } as const;
    expect(proposeTakeOver(ended, request)).toMatchObject({ ok: false, code: 'CLOUD_ENDPOINT_ENDED' });
    expect(proposeCollect(ended, 0)).toMatchObject({ ok: true });
  });

  it('a transfer whose base was forgotten meanwhile cannot be committed', () => {
    const { state, owner, range } = endpoint(['s1']);
    const base = state.base?.id ?? 0;
    const reset = put(state, proposeForget(state, [base as ObjectId], 'baseline', 0));
    const snapshot = { id: range.take(), uuid: 'u2', name: 's2', createdAt: 0, base, manifestDigest: '' };
    expect(proposeCommit(reset, owner, snapshot, range.next, 0)).toMatchObject({ ok: false, code: 'CLOUD_CONFLICT' });
  });

  it('an endpoint is made once, and a name or uuid is in it once', () => {
    const request = { writer: 'w', at: 0, exclusion: 'only-writer' } as const;
    expect(proposeTakeOver(NO_ENDPOINT, request)).toMatchObject({ ok: false, code: 'CLOUD_ENDPOINT_UNKNOWN' });
    const { state, owner, range } = endpoint(['s1']);
    const again = { ...request, properties: PROPERTIES };
    expect(proposeTakeOver(state, again)).toMatchObject({ ok: false, code: 'CLOUD_ENDPOINT_EXISTS' });
    const twin = { id: range.take(), uuid: 'other', name: 's1', createdAt: 0, base: 0, manifestDigest: '' };
    expect(proposeCommit(state, owner, twin, range.next, 0)).toMatchObject({
      ok: false,
      code: 'CLOUD_SNAPSHOT_EXISTS',
    });
    expect(findSnapshot(state, 's1')?.uuid).toBe('uuid s1');
  });

  it('an entry that cannot follow is corruption, with the place and the reason', () => {
    const { state } = endpoint(['s1']);
    const proposal = proposeCollect(state, 0);
    if (!proposal.ok) throw new Error(proposal.reason);
    const wrong: HistoryEntry[] = [
      { ...proposal.entry, number: 9 },
      { ...proposal.entry, previous: 'another' },
      { ...proposal.entry, live: [] },
      { ...proposal.entry, floor: (proposal.entry.floor + 1) as ObjectId },
    ];
    for (const entry of wrong) {
      const refused = expect.objectContaining({
        code: 'CLOUD_CORRUPT',
        message: expect.stringMatching(/cannot be: .+/),
      });
      expect(() => applyEntry(state, entry, 'd')).toThrow(refused);
    }
  });

  it('a writer runs out of ids with an error that says what to do', () => {
    const { owner } = endpoint();
    const range = new ObjectIdRange(owner, owner.endObjectId - 1);
    expect(range.take()).toBe(owner.endObjectId - 1);
    expect(() => range.take()).toThrow(expect.objectContaining({ code: 'CLOUD_IDS_EXHAUSTED' }));
  });
});

describe('retention', () => {
  it('is what the latest rules say; rules that cannot be are refused', () => {
    const { state } = endpoint(['d1']);
    expect(state.retention).toEqual([]);
    const rules = [
      { label: 'd', count: 2 },
      { label: 'w', count: 0 },
    ];
    const ruled = put(state, proposeRetention(state, rules, 0));
    expect(ruled.retention).toEqual(rules);
    expect(put(ruled, proposeRetention(ruled, [], 0)).retention).toEqual([]);
    for (const wrong of [[{ label: '', count: 1 }], [{ label: 'd', count: 0.5 }], [rules[0], rules[0]]]) {
      const proposal = proposeRetention(state, wrong as RetentionRule[], 0);
      expect(proposal).toMatchObject({ ok: false, code: 'CLOUD_RETENTION_INVALID' });
    }
  });
});

describe('a hold', () => {
  it('keeps a snapshot from being forgotten, with whatever consequence, until it is let go', () => {
    const { state } = endpoint(['s1', 's2']);
    const [oldest, newest] = state.snapshots.map(({ id }) => id);
    if (oldest === undefined || newest === undefined) throw new Error('too few snapshots');
    const held = put(state, proposeHold(state, [oldest, newest], true, 0));
    expect([...held.snapshots, held.base].map((snapshot) => snapshot?.held)).toEqual([true, true, true]);
    for (const [ids, sequel] of [
      [[oldest], 'continue'],
      [[newest], 'baseline'],
      [[oldest, newest], 'end'],
    ] as const) {
      expect(proposeForget(held, ids, sequel, 0)).toMatchObject({ ok: false, code: 'CLOUD_SNAPSHOT_HELD' });
    }
    const free = put(held, proposeHold(held, [oldest], false, 0));
    expect(free.snapshots.map((snapshot) => snapshot.held)).toEqual([undefined, true]);
    expect(put(free, proposeForget(free, [oldest], 'continue', 0)).snapshots.map(({ id }) => id)).toEqual([newest]);
    expect(proposeHold(state, [7777 as ObjectId], true, 0)).toMatchObject({
      ok: false,
      code: 'CLOUD_SNAPSHOT_UNKNOWN',
    });
  });
});

/** What the log must show, found from the entries alone. */
function checkLog(
  log: Log,
  totals: { commits: number; foreign: number; takeOvers: number; collections: number },
): void {
  let latest: TakeOverEntry | undefined;
  let base = 0;
  const given = new Set<number>();
  let floor = 0;
  let live = new Set<number>();
  for (const entry of log.entries) {
    if (entry.kind === 'take-over') {
      totals.takeOvers++;
      expect(entry.firstObjectId).toBeGreaterThanOrEqual(latest?.endObjectId ?? 1);
      latest = entry;
    } else if (entry.kind === 'commit') {
      totals.commits++;
      if (entry.takeOver !== latest?.number) totals.foreign++;
      expect([0, base]).toContain(entry.snapshot.base);
      expect(given.has(entry.snapshot.id)).toBe(false);
      // Dead for ever: nothing new appears below the floor of a collection.
      expect(entry.snapshot.id).toBeGreaterThanOrEqual(floor);
      given.add(entry.snapshot.id);
      live.add(entry.snapshot.id);
      base = entry.snapshot.id;
    } else if (entry.kind === 'forget') {
      live = new Set([...live].filter((id) => !entry.snapshotIds.some((gone) => gone === id)));
      if (entry.sequel !== 'continue') base = 0;
    } else if (entry.kind === 'collect') {
      totals.collections++;
      expect(entry.floor).toBeGreaterThanOrEqual(floor);
      expect(new Set<number>(entry.live)).toEqual(live);
      floor = entry.floor;
    }
  }
}

function endpoint(names: readonly string[] = []): { state: EndpointState; owner: TakeOverEntry; range: ObjectIdRange } {
  const request = { writer: 'w', at: 0, exclusion: 'put-if-absent', properties: PROPERTIES } as const;
  let state = put(NO_ENDPOINT, proposeTakeOver(NO_ENDPOINT, request));
  const { owner } = state;
  if (owner === undefined) throw new Error('nobody owns the endpoint');
  const range = new ObjectIdRange(owner);
  for (const name of names) {
    const label = name.replace(/\d/, '');
    const base = state.base?.id ?? 0;
    const facts = { id: range.take(), uuid: `uuid ${name}`, name, label, createdAt: 0, base, manifestDigest: '' };
    state = put(state, proposeCommit(state, owner, facts, range.next, 0));
  }
  return { state, owner, range };
}

function put(state: EndpointState, proposal: Proposal<HistoryEntry>): EndpointState {
  if (!proposal.ok) throw new Error(proposal.reason);
  return applyEntry(state, proposal.entry, `digest ${proposal.entry.number}`);
}
