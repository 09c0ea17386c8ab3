import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  commentWith,
  MAX_COMMENT_LENGTH,
  type Mark,
  markIn,
  nextEpoch,
  outranks,
} from '../../../src/core/failover/mark.ts';

const marks = fc.record({
  epoch: fc.integer({ min: 1, max: 10 ** 12 }),
  authority: fc.constantFrom('here' as const, 'peer' as const),
  operation: fc.uuid(),
  fence: fc.constantFrom('unmount' as const, 'offline' as const),
});
const comments = fc.string({ maxLength: MAX_COMMENT_LENGTH });

describe('the fencing mark', () => {
  it('is read back out of any comment, takes the place of an older one, and fits', () => {
    fc.assert(
      fc.property(comments, marks, marks, (comment, first, second) => {
        const once = commentWith(comment, first);
        const twice = commentWith(once, second);
        expect(markIn(once)).toEqual(first);
        expect(markIn(twice)).toEqual(second);
        expect(twice.length).toBeLessThanOrEqual(MAX_COMMENT_LENGTH);
        expect(twice.match(/\[datamotion /g)).toHaveLength((comment.match(/\[datamotion /g)?.length ?? 0) + 1);
      }),
    );
  });

  it('leaves what people wrote', () => {
    const mark: Mark = { epoch: 1, authority: 'here', operation: 'a' };
    expect(commentWith('ask Petra first', mark)).toBe('ask Petra first [datamotion epoch=1 authority=here op=a]');
    expect(markIn('ask Petra first')).toBeUndefined();
  });

  it('of two claims exactly one goes first', () => {
    fc.assert(
      fc.property(marks, marks, (one, other) => {
        fc.pre(one.operation !== other.operation);
        expect(outranks(one, other)).not.toBe(outranks(other, one));
      }),
    );
    expect(nextEpoch(undefined, { epoch: 4, authority: 'peer', operation: 'x' })).toBe(5);
  });
});
