import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { endpointText, parseEndpoint } from '../../../src/core/transfer/endpoint.ts';
import {
  copyMark,
  fingerprint,
  isCopyOf,
  moveMark,
  partPath,
  partVolume,
  readMoveMark,
} from '../../../src/core/transfer/part-names.ts';

describe('an end', () => {
  const CASES = [
    ['prod:vol1', { kind: 'ontap', backend: 'prod', volume: 'vol1' }],
    ['prod:vol1/a/b', { kind: 'ontap', backend: 'prod', volume: 'vol1', path: 'a/b' }],
    ['prod:vol1//a/./b/', { kind: 'ontap', backend: 'prod', volume: 'vol1', path: 'a/b' }],
    ['prod:vol1/a:b', { kind: 'ontap', backend: 'prod', volume: 'vol1', path: 'a:b' }],
    ['ontap:file:vol1/a', { kind: 'ontap', backend: 'file', volume: 'vol1', path: 'a' }],
    ['file:/data/a', { kind: 'host', path: '/data/a' }],
    ['file:///data/a%20b', { kind: 'host', path: '/data/a b' }],
    ['file:a', { kind: 'host', path: 'a' }],
    ['/dev/sdb', { kind: 'host', path: '/dev/sdb' }],
    ['./a:b', { kind: 'host', path: './a:b' }],
    ['plain', { kind: 'host', path: 'plain' }],
  ] as const;
  it.each(CASES)('%s', (text, expected) => {
    expect(parseEndpoint(text)).toEqual(expected);
    expect(parseEndpoint(endpointText(parseEndpoint(text)))).toEqual(expected);
  });

  it.each(['', 'file:', ':vol1', 'prod:', 'prod:/a', 'prod:vol1/', 'prod:vol1/../a', 'a:b:c', 'file://host/a'])(
    '%j is none',
    (text) => {
      expect(() => parseEndpoint(text)).toThrow(expect.objectContaining({ code: 'TRANSFER_ENDPOINT_INVALID' }));
    },
  );
});

describe('names of parts', () => {
  test('lie beside the destination, and differ by source', () => {
    expect(partPath('a/b.img', 'one')).toMatch(/^a\/\.b\.img\.[0-9a-f]{16}\.datamotion-part$/);
    expect(partPath('b', 'one')).not.toBe(partPath('b', 'two'));
    expect(partPath('x'.repeat(255), 'one').length).toBeLessThanOrEqual(255);
    expect(partVolume('v'.repeat(203), 'one')).toMatch(/^[A-Za-z_]\w{0,202}$/);
  });

  test('the fingerprint is FNV-1a', () => {
    expect(fingerprint('')).toBe('cbf29ce484222325');
    expect(fingerprint('a')).toBe('af63dc4c8601ec8c');
  });

  test('marks say what they were given, and no other comment is one', () => {
    fc.assert(
      fc.property(
        fc.record({ junctionPath: fc.string(), comment: fc.string() }, { requiredKeys: [] }),
        fc.string(),
        (mark, comment) => {
          expect(readMoveMark(moveMark(mark))).toEqual(mark);
          expect(readMoveMark(comment)).toBeUndefined();
        },
      ),
    );
    expect(isCopyOf(copyMark('u1'), 'u1')).toBe(true);
    expect(isCopyOf(copyMark('u1'), 'u2')).toBe(false);
    expect(isCopyOf(undefined, 'u1')).toBe(false);
  });
});
