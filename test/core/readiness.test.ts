import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ReadinessCheck, shortages, verdict } from '../../src/core/readiness.ts';

const check = (facts: Partial<ReadinessCheck>): ReadinessCheck => ({
  name: 'svm',
  backend: 'east',
  ok: true,
  skipped: false,
  detail: '',
  ...facts,
});

describe('readiness', () => {
  it('is denied by a failed check alone, and told in one order whatever the order of finding', () => {
    const checks = [
      check({ name: 'policy', backend: 'west' }),
      check({ name: 'svm', backend: 'west', ok: false, skipped: true }),
      check({ name: 'svm', backend: 'east' }),
    ];
    expect(verdict('east', 'west', checks)).toMatchObject({
      ready: true,
      checks: [{ name: 'svm', backend: 'east' }, { name: 'svm', backend: 'west' }, { name: 'policy' }],
    });
    expect(verdict('east', 'west', [...checks, check({ ok: false })]).ready).toBe(false);
  });

  it('a guaranteed volume takes its size, a thin one what is used, of the aggregate that it goes to', () => {
    const volumes = [
      { aggregate: 'a', sizeBytes: 100, usedBytes: 10, guarantee: 'volume' },
      { aggregate: 'a', sizeBytes: 100, usedBytes: 10, guarantee: 'none' },
      { aggregate: 'b', sizeBytes: 100 },
      { aggregate: 'unknown', sizeBytes: 100 },
    ] as const;
    const room = (a: number, b: number) =>
      new Map([
        ['a', a],
        ['b', b],
      ]);
    expect(shortages(volumes, room(110, 100))).toEqual([]);
    expect(shortages(volumes, room(109, 99))).toEqual([
      { aggregate: 'a', neededBytes: 110, availableBytes: 109 },
      { aggregate: 'b', neededBytes: 100, availableBytes: 99 },
    ]);
  });

  it('what needs less room never runs short where more does not', () => {
    const volume = fc.record({
      aggregate: fc.constantFrom('a', 'b'),
      sizeBytes: fc.nat(1000),
      usedBytes: fc.nat(1000),
    });
    fc.assert(
      fc.property(fc.array(volume), volume, fc.nat(5000), fc.nat(5000), (volumes, more, a, b) => {
        const available = new Map([
          ['a', a],
          ['b', b],
        ]);
        const short = (list: typeof volumes) => new Set(shortages(list, available).map(({ aggregate }) => aggregate));
        expect([...short(volumes)].every((name) => short([...volumes, more]).has(name))).toBe(true);
      }),
    );
  });
});
