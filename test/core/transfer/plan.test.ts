/** The planner against a grid written by hand: place x object x intent, with peering and without, and each capability taken away. */
import { describe, expect, test } from 'vitest';
import type { TransferFacts, TransferObject } from '../../../src/core/transfer/facts.ts';
import { COPIES_AT_ONCE, planTransfer } from '../../../src/core/transfer/plan.ts';
import type { TransferStrategy } from '../../../src/core/transfer/strategies.ts';
import { STRATEGIES, TRANSFER_STRATEGIES } from '../../../src/core/transfer/strategies.ts';
import { facts, HOST, OTHER_ENDS, OTHER_VOLUMES, type OtherEnd, type OtherVolume, ontap } from './places.ts';

const PEERED = { state: 'peered', applications: ['snapmirror', 'file_copy', 'lun_copy'] } as const;

/** What is possible, in order. `*` marks a strategy that first needs the SVMs peered. */
function possible(given: Partial<TransferFacts>): string {
  return planTransfer(facts(given))
    .strategies.filter((verdict) => verdict.possible)
    .map(({ strategy, preparations }) => (preparations.length > 0 ? `${strategy}*` : strategy))
    .join(' ');
}

describe('a file, LUN or namespace', () => {
  const GRID: Readonly<
    Record<Exclude<TransferObject, 'volume'>, Readonly<Record<OtherEnd, readonly [string, string]>>>
  > = {
    file: {
      'same volume': ['file-clone host-stream', 'rename host-stream'],
      'other volume, same aggregate': ['file-copy host-stream', 'file-copy host-stream'],
      'other aggregate': ['file-copy host-stream', 'file-copy host-stream'],
      'other SVM': ['file-copy host-stream', 'file-copy host-stream'],
      'other cluster': ['host-stream', 'host-stream'],
      host: ['host-stream', 'host-stream'],
    },
    lun: {
      'same volume': ['lun-clone', 'rename'],
      'other volume, same aggregate': ['lun-copy', 'lun-move lun-copy'],
      'other aggregate': ['lun-copy', 'lun-move lun-copy'],
      'other SVM': ['lun-copy', 'lun-copy'],
      'other cluster': ['', ''],
      host: ['', ''],
    },
    namespace: {
      'same volume': ['namespace-clone', 'rename'],
      'other volume, same aggregate': ['', ''],
      'other aggregate': ['', ''],
      'other SVM': ['', ''],
      'other cluster': ['', ''],
      host: ['', ''],
    },
  };

  for (const [object, row] of Object.entries(GRID) as [Exclude<TransferObject, 'volume'>, (typeof GRID)['file']][]) {
    for (const [place, [copy, move]] of Object.entries(row) as [OtherEnd, readonly [string, string]][]) {
      test(`${object}, ${place}: copied by [${copy}], moved by [${move}]`, () => {
        const given = { object, destination: OTHER_ENDS[place], svmPeering: PEERED };
        expect(possible({ ...given, intent: 'copy' })).toBe(copy);
        expect(possible({ ...given, intent: 'move' })).toBe(move);
      });
    }
  }

  test('a mapped device at both ends lets this host stream what REST cannot read', () => {
    const source = ontap({ hostPath: '/dev/a' });
    for (const object of ['lun', 'namespace'] as const) {
      expect(possible({ object, source, destination: HOST })).toBe('host-stream');
      expect(possible({ object, source, destination: { ...OTHER_ENDS['other cluster'], hostPath: '/dev/b' } })).toBe(
        'host-stream',
      );
      expect(possible({ object, source, destination: OTHER_ENDS['other cluster'] })).toBe('');
    }
  });
});

describe('a whole volume', () => {
  const GRID: Readonly<Record<OtherVolume, readonly [copy: string, move: string]>> = {
    'same volume': ['', ''],
    'other volume, same aggregate': ['flexclone snapmirror-local', 'snapmirror-local'],
    'other aggregate': ['', 'volume-move'],
    'other volume, other aggregate': ['snapmirror-local', 'snapmirror-local'],
    'other SVM': ['snapmirror-local', 'rehost snapmirror-local'],
    'other SVM, other aggregate': ['snapmirror-local', 'snapmirror-local'],
    'other cluster': ['snapmirror-remote', 'snapmirror-remote'],
    host: ['', ''],
  };
  const source = ontap({ path: undefined });

  for (const [place, [copy, move]] of Object.entries(GRID) as [OtherVolume, readonly [string, string]][]) {
    test(`${place}: copied by [${copy}], moved by [${move}]`, () => {
      const destination = OTHER_VOLUMES[place];
      const destinationExists = place === 'other aggregate';
      const given = { object: 'volume', source, destination, destinationExists, svmPeering: PEERED } as const;
      expect(possible({ ...given, intent: 'copy' })).toBe(copy);
      expect(possible({ ...given, intent: 'move' })).toBe(move);
    });
  }

  test('a volume that is already where it should be needs nothing', () => {
    const plan = planTransfer(facts({ object: 'volume', intent: 'move', source, destination: source }));
    expect(plan).toMatchObject({ alreadyThere: true, chosen: undefined, strategies: [] });
  });

  test('a FlexGroup is cloned and mirrored, and neither moved nor rehosted', () => {
    const group = { style: 'flexgroup', aggregates: ['aggr1', 'aggr2'] } as const;
    const from = ontap({ path: undefined, ...group });
    const inSvm = { ...OTHER_VOLUMES['other volume, same aggregate'], ...group };
    const volume = { object: 'volume', source: from, svmPeering: PEERED } as const;
    expect(possible({ ...volume, destination: inSvm })).toBe('flexclone snapmirror-local');
    expect(possible({ ...volume, destination: { ...OTHER_VOLUMES['other SVM'], ...group }, intent: 'move' })).toBe(
      'snapmirror-local',
    );
    const elsewhere = { ...from, aggregates: ['aggr3'] };
    expect(possible({ ...volume, destination: elsewhere, intent: 'move', destinationExists: true })).toBe('');
    expect(possible({ ...volume, destination: OTHER_VOLUMES['other cluster'] })).toBe('');
  });

  test('a move that would take a volume out of its mirror is not offered', () => {
    const given = { object: 'volume', intent: 'move', source, destination: OTHER_VOLUMES['other SVM'] } as const;
    expect(possible({ ...given, svmPeering: PEERED, mirrored: true })).toBe('');
    expect(possible({ ...given, intent: 'copy', svmPeering: PEERED, mirrored: true })).toBe('snapmirror-local');
  });
});

describe('a capability that is missing', () => {
  const volume = { object: 'volume', source: ontap({ path: undefined }) } as const;
  const svm = { account: 'svm' } as const;
  const bare = { licences: [] };

  const CASES: readonly (readonly [string, Partial<TransferFacts>, string])[] = [
    ['no FlexClone licence', { source: ontap(bare) }, 'host-stream'],
    ['licences that the account may not read', { source: ontap({ licences: undefined }) }, 'file-clone host-stream'],
    ['a FlexGroup', { destination: { ...OTHER_ENDS['other aggregate'], style: 'flexgroup' } }, 'host-stream'],
    ['a read-only destination', { destination: { ...OTHER_ENDS['other aggregate'], volumeType: 'dp' } }, ''],
    ['a read-only source', { intent: 'move', source: ontap({ volumeType: 'dp' }) }, 'host-stream'],
    ['SVMs that are not peered', { destination: OTHER_ENDS['other SVM'] }, 'file-copy* host-stream'],
    [
      'SVMs peered for something else',
      { destination: OTHER_ENDS['other SVM'], svmPeering: { state: 'peered', applications: ['snapmirror'] } },
      'file-copy* host-stream',
    ],
    [
      'SVMs whose peering waits to be accepted',
      { destination: OTHER_ENDS['other SVM'], svmPeering: { state: 'pending', applications: ['file_copy'] } },
      'host-stream',
    ],
    [
      'SVMs that are not peered, and accounts of SVMs',
      { source: ontap(svm), destination: { ...OTHER_ENDS['other SVM'], ...svm } },
      'host-stream',
    ],
    [
      'an account of an SVM: no volume move',
      {
        ...volume,
        intent: 'move',
        source: ontap({ path: undefined, ...svm }),
        destination: { ...OTHER_VOLUMES['other aggregate'], ...svm },
        destinationExists: true,
      },
      '',
    ],
    [
      'accounts of SVMs: no rehost',
      {
        ...volume,
        intent: 'move',
        source: ontap({ path: undefined, ...svm }),
        destination: { ...OTHER_VOLUMES['other SVM'], ...svm },
        svmPeering: PEERED,
      },
      'snapmirror-local',
    ],
    [
      'clusters that are not peered',
      { ...volume, destination: OTHER_VOLUMES['other cluster'], clustersPeered: false },
      '',
    ],
    [
      'no SnapMirror licence',
      { ...volume, destination: { ...OTHER_VOLUMES['other cluster'], ...bare }, svmPeering: PEERED },
      '',
    ],
    [
      'peers that the account may not list: ONTAP refuses by itself',
      { ...volume, destination: OTHER_VOLUMES['other cluster'], clustersPeered: 'unknown', svmPeering: 'unknown' },
      'snapmirror-remote',
    ],
    [
      'no aggregate named for a volume on another cluster',
      { ...volume, destination: { ...OTHER_VOLUMES['other cluster'], aggregates: [] }, svmPeering: PEERED },
      '',
    ],
    ['something of that name at the destination', { destinationExists: true }, ''],
  ];
  for (const [name, given, expected] of CASES) {
    test(`${name}: [${expected}]`, () => expect(possible(given)).toBe(expected));
  }
});

describe('what a plan says', () => {
  test('every strategy for such an object is in it, with the reason against it', () => {
    const plan = planTransfer(facts({ destination: OTHER_ENDS['other cluster'] }));
    const against = Object.fromEntries(plan.strategies.map(({ strategy, reasons }) => [strategy, reasons]));
    expect(against).toMatchObject({
      'file-clone': ['the ends are in different volumes'],
      'file-copy': ['the ends are in different clusters'],
      'host-stream': ['works wherever this host reads and writes'],
    });
  });

  test('bytes: none for a clone, the used ones inside the storage, and all of them twice over a host', () => {
    const bytes = (given: Partial<TransferFacts>) =>
      Object.fromEntries(
        planTransfer(facts(given)).strategies.map(({ strategy, bytesMoved }) => [strategy, bytesMoved]),
      );
    expect(bytes({})).toMatchObject({ 'file-clone': 0, 'host-stream': 2000 });
    expect(bytes({ destination: OTHER_ENDS['other aggregate'] })).toMatchObject({
      'file-copy': 400,
      'host-stream': 2000,
    });
    expect(bytes({ destination: OTHER_ENDS['other aggregate'], usedBytes: undefined })).toMatchObject({
      'file-copy': 1000,
    });
  });

  test('a cluster that runs all the copies it may makes the next one wait, not fail', () => {
    const queued = (runningCopies: number) =>
      planTransfer(facts({ destination: { ...OTHER_ENDS['other aggregate'], runningCopies } })).strategies.find(
        ({ strategy }) => strategy === 'file-copy',
      );
    expect(queued(COPIES_AT_ONCE - 1)).toMatchObject({ possible: true, queued: false });
    expect(queued(COPIES_AT_ONCE)).toMatchObject({ possible: true, queued: true });
  });

  test('a move deletes the source itself only where the strategy leaves it', () => {
    const given = { object: 'lun', intent: 'move', destination: OTHER_ENDS['other aggregate'] } as const;
    const deletes = planTransfer(facts(given)).strategies.map(({ strategy, deletesSource }) => [
      strategy,
      deletesSource,
    ]);
    expect(Object.fromEntries(deletes)).toMatchObject({ 'lun-move': false, 'lun-copy': true });
  });

  test('a plan survives JSON, and the same facts give the same plan', () => {
    const given = facts({
      object: 'volume',
      source: ontap({ path: undefined }),
      destination: OTHER_VOLUMES['other SVM'],
    });
    expect(JSON.parse(JSON.stringify(planTransfer(given)))).toEqual(JSON.parse(JSON.stringify(planTransfer(given))));
    expect(planTransfer(given)).toEqual(planTransfer(given));
  });
});

test('every strategy is chosen somewhere, and every row tells what it leaves behind', () => {
  const chosen = new Set<TransferStrategy | undefined>();
  for (const intent of ['copy', 'move'] as const) {
    for (const object of ['file', 'lun', 'namespace'] as const) {
      for (const destination of Object.values(OTHER_ENDS)) {
        chosen.add(planTransfer(facts({ object, intent, destination, svmPeering: PEERED })).chosen);
      }
    }
    for (const [place, destination] of Object.entries(OTHER_VOLUMES)) {
      const source = ontap({ path: undefined });
      const destinationExists = place === 'other aggregate';
      chosen.add(
        planTransfer(facts({ object: 'volume', intent, source, destination, destinationExists, svmPeering: PEERED }))
          .chosen,
      );
    }
  }
  expect(TRANSFER_STRATEGIES.filter((name) => !chosen.has(name))).toEqual([]);
  for (const name of TRANSFER_STRATEGIES) expect(STRATEGIES[name].leavesBehind).not.toBe('');
});
