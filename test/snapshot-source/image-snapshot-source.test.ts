import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStateStore } from '../../src/state/memory.ts';
import { contentOf, fileBlocks, ImageEndpoint, imageOf, imageSource, MemoryImage } from './image-endpoint.ts';

describe('a backup of an image', () => {
  it('stores what the image has, and reads it once', async () => {
    const image = new MemoryImage(
      imageOf([1, 2, 0, 3, 1, 0, 0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17], 100),
    );
    const snapshot = await new ImageEndpoint().backUp(imageSource(new MemoryStateStore(), image));
    expect(Buffer.compare(contentOf(snapshot), image.bytes)).toBe(0);
    expect(new Set(image.reads.values())).toEqual(new Set([1]));
  });

  it('gives equal blocks one VVBN and zeros none', async () => {
    const image = new MemoryImage(imageOf([1, 2, 0, 1, 0, 2, 3]));
    const vvbns = fileBlocks(await new ImageEndpoint().backUp(imageSource(new MemoryStateStore(), image)));
    expect(vvbns[3]).toBe(vvbns[0]);
    expect(vvbns[5]).toBe(vvbns[1]);
    expect([vvbns[2], vvbns[4]]).toEqual([0, 0]);
    expect(new Set(vvbns).size).toBe(4);
  });
});

describe('the histories of an image', () => {
  it('are stored whole, share what is equal, and keep what does not change, through commits, give-ups and crashes', async () => {
    const block = fc.nat({ max: 12 });
    const step = fc.record({
      change: fc.oneof(
        fc.record({ kind: fc.constant('write' as const), at: fc.nat(90), blocks: fc.array(block, { maxLength: 20 }) }),
        fc.record({ kind: fc.constant('swap' as const), at: fc.nat(90), other: fc.nat(90) }),
        fc.record({
          kind: fc.constant('resize' as const),
          blocks: fc.nat(90),
          tail: fc.integer({ min: 1, max: 4096 }),
        }),
        fc.record({ kind: fc.constant('fresh' as const), at: fc.nat(90), count: fc.nat(30) }),
      ),
      end: fc.oneof(
        { weight: 3, arbitrary: fc.constant({ kind: 'commit' as const }) },
        {
          weight: 2,
          arbitrary: fc.record({ kind: fc.constant('crash' as const), after: fc.integer({ min: 1, max: 12 }) }),
        },
      ),
      checkpointEvery: fc.integer({ min: 1, max: 6 }),
      resume: fc.boolean(),
      baseline: fc.nat(9).map((number) => number === 0),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(block, { maxLength: 60 }), fc.array(step, { maxLength: 10 }), async (first, steps) => {
        const state = new MemoryStateStore();
        const endpoint = new ImageEndpoint();
        let names: number[] = first;
        let tail = 4096;
        let fresh = 100;
        for (const { change, end, checkpointEvery, resume, baseline } of steps) {
          names = [...names];
          if (change.kind === 'write')
            names.splice(change.at % (names.length + 1), change.blocks.length, ...change.blocks);
          if (change.kind === 'fresh') {
            for (let at = change.at; at < Math.min(names.length, change.at + change.count); at++) names[at] = ++fresh;
          }
          if (change.kind === 'swap' && names.length > 0) {
            const [one, other] = [change.at % names.length, change.other % names.length];
            [names[one], names[other]] = [names[other] ?? 0, names[one] ?? 0];
          }
          if (change.kind === 'resize') {
            names = Array.from({ length: change.blocks }, (_, at) => names[at] ?? 0);
            tail = change.tail;
          }
          const image = new MemoryImage(imageOf(names, tail));
          const source = imageSource(state, image);
          const before = endpoint.base;
          const uuid = resume ? endpoint.interrupted : undefined;
          const options = { checkpointEvery, baseline, ...(uuid !== undefined && { uuid }) };
          try {
            const crashAfterPieces = end.kind === 'crash' ? end.after : undefined;
            const after = await endpoint.backUp(source, {
              ...options,
              ...(crashAfterPieces !== undefined && { crashAfterPieces }),
            });
            expect(Buffer.compare(contentOf(after), image.bytes)).toBe(0);
            const vvbns = fileBlocks(after);
            const zeroTail = imageOf(names, tail).subarray((names.length - 1) * 4096);
            const nameOf = new Map<number, string>();
            vvbns.forEach((vvbn, at) => {
              const isLast = at === names.length - 1;
              const name = isLast && tail < 4096 ? `tail ${names[at]} ${tail}` : `${names[at]}`;
              if (names[at] === 0 || (isLast && zeroTail.every((byte) => byte === 0))) expect(vvbn).toBe(0);
              else expect(nameOf.get(vvbn) ?? name).toBe(name);
              nameOf.set(vvbn, name);
            });
            expect(nameOf.size).toBe(new Set(nameOf.values()).size);
            if (before !== undefined && before.roots.length > 0) keepsWhatDoesNotChange(before, after);
          } catch (error) {
            if (!(error instanceof Error) || error.message !== 'the power failed') throw error;
            expect(endpoint.base).toBe(before);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

function keepsWhatDoesNotChange(
  before: Awaited<ReturnType<ImageEndpoint['backUp']>>,
  after: Awaited<ReturnType<ImageEndpoint['backUp']>>,
): void {
  const known = new Map(
    [...before.vmap].map(([vvbn, { level, content }]) => [
      `${level} ${Buffer.from(content.buffer).toString('base64')}`,
      vvbn,
    ]),
  );
  for (const [vvbn, { level, content }] of after.vmap) {
    const was = known.get(`${level} ${Buffer.from(content.buffer).toString('base64')}`);
    if (was !== undefined) expect(vvbn).toBe(was);
  }
}
