import { describe, expect, it } from 'vitest';
import { parseDuration, parseTime, policyOf, relationshipOf, svmPeerOf, volumeOf } from '../../src/ontap/records.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

describe('durations', () => {
  it.each([
    ['PT0S', 0],
    ['PT8H35M42S', 8 * HOUR + 35 * 60 + 42],
    ['PT23M46S', 23 * 60 + 46],
    ['PT26H', 26 * HOUR],
    ['P1DT2H3M', DAY + 2 * HOUR + 180],
    ['P2D', 2 * DAY],
    ['P3DT12H7M43S', 3 * DAY + 12 * HOUR + 7 * 60 + 43],
    ['P1W', 7 * DAY],
    ['PT1.5S', 1.5],
  ])('defect 1: %s is %d seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it.each(['', 'P', 'PT', 'P1DT', '26H', 'PT1D', 'P1M', 'P1Y', 'PT-1S', 'PT1S '])('%j is none', (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'ONTAP_BAD_RESPONSE' }));
  });
});

describe('times', () => {
  it('have an offset', () => {
    expect(parseTime('2020-12-02T18:36:19-08:00')).toBe(Date.UTC(2020, 11, 3, 2, 36, 19));
    expect(() => parseTime('yesterday')).toThrow(expect.objectContaining({ code: 'ONTAP_BAD_RESPONSE' }));
  });
});

describe('relationships', () => {
  const ends = { source: { path: 'svm1:vol1' }, destination: { path: 'svm2:vol1' } };
  const unknown = () => undefined;

  it('need an identity, two ends and a state; all else may be absent (defect 36)', () => {
    expect(relationshipOf({ uuid: 'u', state: 'paused', ...ends }, unknown)).toEqual({
      uuid: 'u',
      state: 'paused',
      source: { path: 'svm1:vol1', svm: 'svm1', volume: 'vol1', cluster: undefined },
      destination: { path: 'svm2:vol1', svm: 'svm2', volume: 'vol1', cluster: undefined },
      healthy: undefined,
      unhealthyReasons: [],
      policy: undefined,
      transfer: undefined,
      lagSeconds: undefined,
      exportedSnapshot: undefined,
      transferSchedule: undefined,
    });
    for (const record of [
      { state: 'paused', ...ends },
      { uuid: 'u', ...ends },
      { uuid: 'u', state: 'paused', source: {}, destination: ends.destination },
      { uuid: 'u', state: 'paused', source: ends.source },
    ] as const) {
      expect(() => relationshipOf(record, unknown)).toThrow(
        /lacks the field (uuid|state|source.path|destination.path)/,
      );
    }
  });

  it('keep ends that are no volumes as they are', () => {
    const cloud = { ...ends, destination: { path: 'store:/objstore/vol1', uuid: 'e' } };
    expect(relationshipOf({ uuid: 'u', state: 'snapmirrored', ...cloud }, unknown).destination).toEqual({
      path: 'store:/objstore/vol1',
      svm: undefined,
      volume: undefined,
      cluster: undefined,
    });
  });

  it('tell the age of their data, once there is any', () => {
    const lag_time = 'P1DT2H';
    expect(relationshipOf({ uuid: 'u', state: 'snapmirrored', lag_time, ...ends }, unknown).lagSeconds).toBe(26 * HOUR);
    expect(
      relationshipOf({ uuid: 'u', state: 'uninitialized', lag_time, ...ends }, unknown).lagSeconds,
    ).toBeUndefined();
  });

  it('have a synchronous policy, of which the policies alone tell whether it fails over by itself', () => {
    const record = { uuid: 'u', state: 'in_sync', policy: { name: 'P', type: 'sync' }, ...ends } as const;
    expect(relationshipOf(record, unknown).policy?.kind).toBe('sync');
    expect(relationshipOf(record, () => 'automated_failover').policy?.kind).toBe('automated_failover');
  });
});

describe('policies', () => {
  it.each([
    [{ type: 'async' }, 'async'],
    [{ type: 'continuous' }, 'continuous'],
    [{ type: 'sync', sync_type: 'sync' }, 'sync'],
    [{ type: 'sync', sync_type: 'strict_sync' }, 'sync'],
    [{ type: 'sync' }, 'sync'],
    [{ type: 'sync', sync_type: 'automated_failover' }, 'automated_failover'],
    [{ type: 'sync', sync_type: 'automated_failover_duplex' }, 'automated_failover'],
  ] as const)('%j are of kind %s', (fields, kind) => {
    expect(policyOf({ uuid: 'u', name: 'P', ...fields }).kind).toBe(kind);
  });
});

describe('volumes and peers', () => {
  it('an absent junction, efficiency or encryption is none', () => {
    const volume = volumeOf({
      uuid: 'u',
      name: 'v',
      svm: { name: 's' },
      type: 'rw',
      style: 'flexvol',
      state: 'online',
      space: { size: 4096 },
    });
    expect(volume).toMatchObject({
      sizeBytes: 4096,
      aggregates: [],
      encrypted: false,
      dedupe: false,
      compression: false,
    });
    expect(volume.junctionPath).toBeUndefined();
  });

  it('without a size is a bad response', () => {
    const record = { uuid: 'u', name: 'v', svm: { name: 's' }, type: 'rw', style: 'flexvol', state: 'online' } as const;
    expect(() => volumeOf(record)).toThrow(/size/);
  });

  it('a peer without an alias goes by its name', () => {
    const peer = { uuid: 'u', svm: { name: 's' }, peer: { svm: { name: 'p' } }, state: 'peered' } as const;
    expect(svmPeerOf(peer)).toMatchObject({ peerSvm: 'p', alias: 'p', applications: [] });
    expect(svmPeerOf({ ...peer, name: 'p.1' })).toMatchObject({ peerSvm: 'p', alias: 'p.1' });
  });
});
