/** The list of Cinder's cases does not rot: every test that it names exists, and every case is there once. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DATA_MOTION_CASES, type ParityCase, REST_CLIENT_CASES, type TestName } from './cinder-cases.ts';

const sources = new Map<string, string>();

function sourceOf(file: string): string {
  const known = sources.get(file) ?? readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  sources.set(file, known);
  return known;
}

/** Titles are the first argument of `it`, `describe` or of what their `each` gives. */
function titlesOf(file: string): ReadonlySet<string> {
  const title = /(?:\b(?:it|describe)|\))\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`([^`]*)`)\s*,/g;
  return new Set(
    [...sourceOf(file).matchAll(title)].map(([, single, double, template]) =>
      (single ?? double ?? template ?? '').replaceAll(/\\(.)/g, '$1'),
    ),
  );
}

function missing(name: TestName): string | undefined {
  const [file = '', ...titles] = name.split(' > ');
  const known = titlesOf(file);
  const lost = titles.find((title) => !known.has(title));
  return lost === undefined ? undefined : `${file}: ${lost}`;
}

describe.each<[string, readonly ParityCase[]]>([
  ['test_data_motion.py', DATA_MOTION_CASES],
  ['test_client_cmode_rest.py', REST_CLIENT_CASES],
])('the cases of %s', (_, cases) => {
  it('are covered by tests that exist, or do not apply for a reason', () => {
    const lost = cases.flatMap((one) => ('covered' in one ? one.covered.flatMap((name) => missing(name) ?? []) : []));
    expect(lost).toEqual([]);
    for (const one of cases) {
      if ('covered' in one) expect(one.covered, one.name).not.toEqual([]);
      else expect(one.not.length, one.name).toBeGreaterThan(20);
    }
  });

  it('are each there once', () => {
    const names = cases.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  });
});
