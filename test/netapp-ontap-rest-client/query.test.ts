import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyOf, atLeast, isNull, lessThan, matches, not, range } from '../../src/netapp-ontap-rest-client/index.ts';
import { filledPath, queryString } from '../../src/netapp-ontap-rest-client/query.ts';

/** What a server reads, parameter by parameter. */
const readBack = (query: Record<string, unknown>) => Object.fromEntries(new URLSearchParams(queryString(query)));

describe('query values', () => {
  it.each([
    ['plain text as it is', 'vol1', 'vol1'],
    ['a path of a relationship', 'svm1:/cg/gold', 'svm1:/cg/gold'],
    ['ampersand, hash, plus and space', 'a&b#c+d e', 'a&b#c+d e'],
    ['an equals sign and a percent sign', 'a=b%20c', 'a=b%20c'],
    ['a comma, which is no operator', 'a,b', 'a,b'],
    ['unicode beyond the basic plane', 'größe-卷-🐘', 'größe-卷-🐘'],
    ['a wildcard that is meant literally', 'a*b', '"a*b"'],
    ['an OR that is meant literally', 'a|b', '"a|b"'],
    ['a negation that is meant literally', '!a', '"!a"'],
    ['a range that is meant literally', 'a..b', '"a..b"'],
    ['a comparison that is meant literally', '<5', '"<5"'],
    ['the other comparison', '>=5', '">=5"'],
    ['the word null', 'null', '"null"'],
    ['nothing', '', '""'],
    ['a double quote', 'say "hi"', '{say "hi"}'],
    ['braces', 'a{b}', '"a{b}"'],
    ['a number', 42, '42'],
    ['a negative number', -1, '-1'],
    ['true', true, 'true'],
    ['false', false, 'false'],
  ])('carry %s', (_, value, read) => {
    expect(readBack({ name: value })).toEqual({ name: read });
  });

  it.each([
    ['not', not('a'), '!a'],
    ['not of a value that needs quotes', not('a|b'), '!"a|b"'],
    ['not of a pattern', not(matches('tmp*')), '!tmp*'],
    ['set', not(isNull), '!null'],
    ['unset', isNull, 'null'],
    ['anyOf', anyOf('paused', 'broken_off'), 'paused|broken_off'],
    ['anyOf of one', anyOf('a'), 'a'],
    ['anyOf of patterns and values', anyOf(matches('a*'), 'b*c'), 'a*|"b*c"'],
    ['less than, or unset', anyOf(lessThan('PT10H'), isNull), '<PT10H|null'],
    ['range of numbers', range(1, 10), '1..10'],
    ['range of durations', range('PT1H', 'P2D'), 'PT1H..P2D'],
    ['atLeast', atLeast('P2DT3H'), '>=P2DT3H'],
    ['lessThan', lessThan(1024), '<1024'],
    ['matches', matches('svm1:*'), 'svm1:*'],
    ['matches without a wildcard', matches('svm1:vol1'), 'svm1:vol1'],
  ])('express %s', (_, expression, read) => {
    expect(readBack({ field: expression })).toEqual({ field: read });
  });

  it('lists stay lists: their commas are not encoded, their items are', () => {
    expect(queryString({ fields: ['name', 'space.size', '**'], order_by: ['create_time desc'] })).toBe(
      'fields=name,space.size,**&order_by=create_time%20desc',
    );
  });

  it('parameters without a value are left out, names are encoded', () => {
    expect(queryString({ a: undefined, 'svm.name': 'x', 'a&b': 1 })).toBe('svm.name=x&a%26b=1');
  });

  it.each([
    ['a value with both kinds of quotes', () => queryString({ name: 'a"{*' })],
    ['a pattern with another operator', () => matches('a*|b')],
    ['the negation of a choice', () => not(anyOf('a', 'b'))],
    ['an object', () => queryString({ name: { a: 1 } })],
  ])('%s is refused before anything is sent', (_, build) => {
    expect(build).toThrow(expect.objectContaining({ code: 'ONTAP_REJECTED' }));
  });

  it('any text comes back from the URL as itself, quoted exactly when it would act as an operator', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !(value.includes('"') && /[{}]/.test(value)));
    fc.assert(
      fc.property(text, (value) => {
        const { name = '' } = readBack({ name: value });
        const operator = value === '' || value === 'null' || /[*|!<>"{}]|\.\./.test(value);
        expect(operator ? name.slice(1, -1) : name).toBe(value);
        expect(operator).toBe(name !== value);
      }),
    );
  });

  it('any number of parameters come back in their order, whatever is in them', () => {
    const name = fc.string({ minLength: 1, unit: 'grapheme' });
    const value = fc.stringMatching(/^[a-z&=#+ %ä]+$/).filter((text) => text !== 'null');
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key }), (pairs) => {
        const named = pairs.filter(([key]) => !/^\d+$/.test(key) && key !== '__proto__');
        expect([...new URLSearchParams(queryString(Object.fromEntries(named)))]).toEqual(named);
      }),
    );
  });
});

describe('path parameters', () => {
  it.each([
    ['a uuid', '4ea7a442-86d1', '4ea7a442-86d1'],
    ['slashes', 'a/b', 'a%2Fb'],
    ['dots', 'a.b', 'a%2Eb'],
    ['a way up', 'dir/../vol', 'dir%2F%2E%2E%2Fvol'],
    ['a query', 'a?b#c', 'a%3Fb%23c'],
    ['unicode', 'größe', 'gr%C3%B6%C3%9Fe'],
  ])('encode %s', (_, value, encoded) => {
    expect(filledPath('/storage/volumes/{uuid}', { uuid: value })).toBe(`/storage/volumes/${encoded}`);
  });

  it.each(['', '.', '..', undefined])('%j is refused: it would address something else', (uuid) => {
    expect(() => filledPath('/storage/volumes/{uuid}', { uuid })).toThrow(
      expect.objectContaining({ code: 'ONTAP_REJECTED' }),
    );
  });

  it('whatever the parameter, the URL keeps the template’s segments', () => {
    const value = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => text !== '.' && text !== '..');
    fc.assert(
      fc.property(value, (uuid) => {
        const path = filledPath('/storage/volumes/{volume.uuid}/snapshots/{uuid}', { 'volume.uuid': uuid, uuid });
        const segments = new URL(`https://host${path}`).pathname.split('/').map(decodeURIComponent);
        expect(segments).toEqual(['', 'storage', 'volumes', uuid, 'snapshots', uuid]);
      }),
    );
  });
});
