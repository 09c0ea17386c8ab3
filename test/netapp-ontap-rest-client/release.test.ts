import { describe, expect, it } from 'vitest';
import { isAtLeast, parseRelease } from '../../src/netapp-ontap-rest-client/index.ts';

describe('a release', () => {
  it.each([
    ['NetApp Release 9.14.1: Tue Nov 28 15:17:13 UTC 2023', 9, 14, 1],
    ['NetApp Release 9.16.1P3: Thu Mar 13 2025', 9, 16, 1],
    ['NetApp Release 9.8: Fri Dec 04 2020', 9, 8, 0],
    ['NetApp Release 9.13.1RC1: Tue May 30 2023', 9, 13, 1],
    ['NetApp Release Lockheed__9.17.0: Mon Jan 06 2025', 9, 17, 0],
    ['9.11.1', 9, 11, 1],
    ['NetApp Release 10.1.2: x', 10, 1, 2],
  ])('%s', (text, generation, major, minor) => {
    expect(parseRelease(text)).toEqual({ generation, major, minor });
  });

  it('is not in every text', () => {
    expect(parseRelease('NetApp Release')).toBeUndefined();
    expect(parseRelease('')).toBeUndefined();
  });

  it.each([
    ['9.14.1', '9.14.1', true],
    ['9.14.1', '9.9.1', true],
    ['9.14.0', '9.14.1', false],
    ['9.9.1', '9.12.0', false],
    ['10.0.0', '9.99.9', true],
    ['9.99.9', '10.0.0', false],
  ])('%s is at least %s: %s', (release, wanted, expected) => {
    const [have, need] = [parseRelease(release), parseRelease(wanted)];
    expect(have !== undefined && need !== undefined && isAtLeast(have, need)).toBe(expected);
  });
});
