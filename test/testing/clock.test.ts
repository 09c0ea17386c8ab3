import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom, VirtualClock } from '../../src/testing/index.ts';

describe('a virtual clock moved by hand', () => {
  it('wakes sleepers in order of time, each at its own time', async () => {
    const delays = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(delays, async (ms) => {
        const clock = new VirtualClock({ startAt: 1000 });
        const woken: [delay: number, at: number][] = [];
        const sleepers = ms.map((delay) => clock.sleep(delay).then(() => woken.push([delay, clock.now()])));
        await clock.advance(50);
        await Promise.all(sleepers);
        expect(woken.map(([delay]) => delay)).toEqual([...ms].sort((a, b) => a - b));
        expect(woken.every(([delay, at]) => at === 1000 + delay)).toBe(true);
        expect(clock.now()).toBe(1050);
      }),
    );
  });

  it('does not move by itself', async () => {
    const clock = new VirtualClock();
    const before = clock.now();
    let woke = false;
    void clock.sleep(1).then(() => {
      woke = true;
    });
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(woke).toBe(false);
    expect(clock.now()).toBe(before);
    expect(clock.pending).toBe(1);
  });

  it('lets what wakes up sleep again on the way', async () => {
    const clock = new VirtualClock({ startAt: 0 });
    const beats: number[] = [];
    void (async () => {
      for (;;) {
        await clock.sleep(10);
        beats.push(clock.now());
      }
    })();
    await clock.advance(35);
    expect(beats).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(35);
  });
});

describe('a virtual clock that advances by itself', () => {
  it('jumps to the earliest sleeper when nobody works', async () => {
    const clock = new VirtualClock({ startAt: 0, autoAdvance: true });
    await clock.sleep(3_600_000);
    expect(clock.now()).toBe(3_600_000);
  });

  it('stands still while somebody holds it', async () => {
    const clock = new VirtualClock({ startAt: 0, autoAdvance: true });
    const release = clock.hold();
    let woke = false;
    const sleeper = clock.sleep(10).then(() => {
      woke = true;
    });
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(woke).toBe(false);
    release();
    release();
    await sleeper;
    expect(clock.now()).toBe(10);
  });

  it('rejects an aborted sleep with the reason, and forgets it', async () => {
    const clock = new VirtualClock({ startAt: 0 });
    const ended = new AbortController();
    const sleeper = clock.sleep(10, ended.signal);
    ended.abort(new Error('enough'));
    await expect(sleeper).rejects.toThrow('enough');
    await expect(clock.sleep(10, ended.signal)).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
  });
});

describe('seeded randomness', () => {
  it('repeats itself with its seed and differs with another', () => {
    const [one, same, other] = [new SeededRandom(7), new SeededRandom(7), new SeededRandom(8)];
    const take = (random: SeededRandom) => Array.from({ length: 50 }, () => random.uuid());
    const uuids = take(one);
    expect(take(same)).toEqual(uuids);
    expect(take(other)).not.toEqual(uuids);
    expect(new Set(uuids).size).toBe(50);
    for (const uuid of uuids) expect(uuid).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });

  it('stays in [0, 1) and spreads', () => {
    const random = new SeededRandom(1);
    const buckets = new Array<number>(10).fill(0);
    for (let count = 0; count < 10_000; count++) {
      const value = random.next();
      expect(value >= 0 && value < 1).toBe(true);
      buckets[Math.floor(value * 10)] = (buckets[Math.floor(value * 10)] ?? 0) + 1;
    }
    for (const count of buckets) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
