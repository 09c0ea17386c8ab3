import { describe, expect, it } from 'vitest';
import type { ReplicationConfiguration } from '../../../src/core/replication/configuration.ts';
import { readNative } from '../../../src/core/replication/native.ts';
import { resolveReplication } from '../../../src/core/replication/resolution.ts';
import {
  aggregateMap,
  backendOf,
  destinationAggregates,
  isActiveSyncConfigured,
  isActiveSyncPolicy,
  isConsistentReplicationEnabled,
  isPoolName,
  isSynchronousPolicy,
  replicationBackendNames,
  replicationPolicy,
  replicationStats,
  targetOf,
} from '../../../src/core/replication/targets.ts';
import { ConfigError, type DataMotionError } from '../../../src/errors.ts';

function configuration(c1: object = {}): ReplicationConfiguration {
  const of = (name: string) => ({ host: name, svm: `svm_${name}`, user: 'admin', passwordEnv: 'PASSWORD' });
  const targets = [{ backend: 'dr1', aggregates: { ssd1: 'dr_ssd1', ssd2: 'dr_ssd1' } }, { backend: 'dr2' }];
  const resolution = resolveReplication(
    readNative({ version: 1, backends: { c1: { ...of('c1'), targets, ...c1 }, dr1: of('dr1'), dr2: of('dr2') } }),
  );
  if (!resolution.ok) throw new Error(JSON.stringify(resolution.problems));
  return resolution.configuration;
}

function refusal(work: () => unknown): DataMotionError {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('backends and targets by name', () => {
  it('are found without regard to case, as sections are', () => {
    expect(backendOf(configuration(), 'C1').name).toBe('c1');
    expect(targetOf(configuration(), 'C1', 'DR1').backend).toBe('dr1');
  });

  it('an unknown backend is refused with the known names', () => {
    const error = refusal(() => backendOf(configuration(), 'c9'));
    expect(error).toMatchObject({
      code: 'CONFIG_BACKEND_UNKNOWN',
      object: 'c9',
      details: { known: ['c1', 'dr1', 'dr2'] },
    });
    expect(error.remedy).toContain('c1, dr1, dr2');
  });

  it('a target that is not one is refused with the targets and the line to add', () => {
    const error = refusal(() => targetOf(configuration(), 'dr1', 'c1'));
    expect(error).toMatchObject({ code: 'CONFIG_TARGET_UNKNOWN', details: { source: 'dr1', target: 'c1', known: [] } });
    expect(error.remedy).toContain('replication_device = backend_id:c1');
  });

  it('a backend is refused as its own target, by whatever case', () => {
    expect(refusal(() => targetOf(configuration(), 'c1', 'C1')).code).toBe('CONFIG_TARGET_IS_SELF');
  });

  it('the names of the targets come in order of preference', () => {
    expect(replicationBackendNames(configuration(), 'c1')).toEqual(['dr1', 'dr2']);
    expect(replicationBackendNames(configuration(), 'dr1')).toEqual([]);
  });
});

describe('statistics for a scheduler', () => {
  it.each([
    ['dr1', {}, { replicationEnabled: false }],
    [
      'c1',
      {},
      { replicationEnabled: true, replicationCount: 2, replicationTargets: ['dr1', 'dr2'], replicationType: 'async' },
    ],
    [
      'c1',
      { policy: 'AutomatedFailOver', targets: [{ backend: 'dr1' }] },
      { replicationEnabled: true, replicationCount: 1, replicationTargets: ['dr1'], replicationType: 'sync' },
    ],
    ['c1', { policy: 'StrictSync', targets: [{ backend: 'dr1' }] }, { replicationType: 'sync' }],
  ])('of %s with %j', (name, c1, expected) => {
    expect(replicationStats(configuration(c1), name)).toMatchObject(expected);
  });
});

describe('aggregates', () => {
  it('are mapped in the order they are given, as often as they are', () => {
    expect(destinationAggregates(configuration(), 'c1', 'dr1', ['ssd2', 'ssd1', 'ssd2'])).toEqual([
      'dr_ssd1',
      'dr_ssd1',
      'dr_ssd1',
    ]);
    expect(destinationAggregates(configuration(), 'c1', 'dr1', [])).toEqual([]);
  });

  it('without a destination are refused all at once, with the line to write', () => {
    const error = refusal(() =>
      destinationAggregates(configuration(), 'c1', 'dr1', ['hdd1', 'ssd1', 'toString', 'hdd1']),
    );
    expect(error).toMatchObject({
      code: 'CONFIG_AGGREGATE_UNMAPPED',
      object: 'c1',
      details: { unmapped: ['hdd1', 'toString'] },
    });
    expect(error.remedy).toContain(
      'netapp_replication_aggregate_map = backend_id:dr1,ssd1:dr_ssd1,ssd2:dr_ssd1,hdd1:<aggregate>,toString:<aggregate>',
    );
    expect(error.remedy).toContain(
      'aggregates: {ssd1: dr_ssd1, ssd2: dr_ssd1, hdd1: <aggregate>, toString: <aggregate>}',
    );
  });

  it('defect 20: the map of a target is the same however often it is asked for', () => {
    const value = configuration();
    const maps = [1, 2, 3].map(() => aggregateMap(value, 'c1', 'dr1'));
    expect(maps).toEqual(maps.map(() => ({ ssd1: 'dr_ssd1', ssd2: 'dr_ssd1' })));
    expect(aggregateMap(value, 'c1', 'dr2')).toEqual({});
  });
});

describe('policies', () => {
  it.each([
    ['MirrorAllSnapshots', false, false],
    ['Asynchronous', false, false],
    ['Sync', false, true],
    ['StrictSync', false, true],
    ['AutomatedFailOver', true, true],
    ['AutomatedFailOverDuplex', true, true],
    ['sync of our own', false, false],
  ])('%s', (policy, activeSync, synchronous) => {
    expect([isActiveSyncPolicy(policy), isSynchronousPolicy(policy)]).toEqual([activeSync, synchronous]);
  });

  it('active sync is configured when there is a target too', () => {
    const with1 = configuration({ policy: 'AutomatedFailOver', targets: [{ backend: 'dr1' }] });
    const with0 = configuration({ policy: 'AutomatedFailOver', targets: [] });
    expect([with1, with0, configuration()].map((value) => isActiveSyncConfigured(value, 'c1'))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('policy and consistent replication are those of the backend', () => {
    const value = configuration({ policy: 'Asynchronous', consistentReplication: true });
    expect([replicationPolicy(value, 'c1'), replicationPolicy(value, 'dr1')]).toEqual([
      'Asynchronous',
      'MirrorAllSnapshots',
    ]);
    expect([isConsistentReplicationEnabled(value, 'c1'), isConsistentReplicationEnabled(value, 'dr1')]).toEqual([
      true,
      false,
    ]);
  });
});

describe('names of pools', () => {
  it.each([
    ['(.+)', 'anything', true],
    ['vol', 'vol', true],
    ['vol', 'vol1', false],
    ['vol', 'myvol', false],
    ['^vol\\d+$, fast', 'vol12', true],
    ['^vol\\d+$, fast', 'fast', true],
    ['^vol\\d+$, fast', 'slow', false],
  ])('%s and %s: %s', (pattern, volume, expected) => {
    expect(isPoolName(backendOf(configuration({ poolNamePattern: pattern }), 'c1'), volume)).toBe(expected);
  });
});
