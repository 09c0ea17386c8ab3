import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCinderConf } from '../../../src/core/replication/cinder-conf.ts';
import { sectionOf } from '../../../src/core/replication/raw-document.ts';

/** Section -> option -> values, as oslo.config's parser would hand them on. */
function values(text: string): Record<string, Record<string, unknown[]>> {
  const result: Record<string, Record<string, unknown[]>> = {};
  for (const { name, assignments } of parseCinderConf(text).sections) {
    const options: Record<string, unknown[]> = {};
    for (const { option, value } of assignments) options[option] = [...(options[option] ?? []), value];
    result[name] = options;
  }
  return result;
}

describe('text that oslo.config accepts is read as oslo.config reads it', () => {
  it.each<[string, string, Record<string, Record<string, unknown[]>>]>([
    ['key = value and key: value', '[s]\na = 1\nb: 2\nc=3', { s: { a: ['1'], b: ['2'], c: ['3'] } }],
    ['the first sign splits', '[s]\na:1=2\nb = 1:2', { s: { a: ['1=2'], b: ['1:2'] } }],
    [
      'one pair of quotes is taken off',
      `[s]\na = "x"\nb = 'y'\nc = "z\nd = "`,
      { s: { a: ['x'], b: ['y'], c: ['"z'], d: [''] } },
    ],
    ['a comment behind a value belongs to it', '[s]\na = 1 # one ; two', { s: { a: ['1 # one ; two'] } }],
    ['comments stand at the start of a line', '# x\n[s]\n; y\na = 1\n#b = 2', { s: { a: ['1'] } }],
    ['indented lines go on with the value', '[s]\na = 1,\n  2,\n\t3\nb = 4', { s: { a: ['1,\n2,\n3'], b: ['4'] } }],
    ['an indented comment is part of the value', '[s]\na = 1\n  # foo\n  b=2', { s: { a: ['1\n# foo\nb=2'] } }],
    ['a repeated key keeps every value in order', '[s]\na = 1\nb = x\na = 2', { s: { a: ['1', '2'], b: ['x'] } }],
    ['a section may come again, in another case too', '[s]\na = 1\n[t]\n[S]\na = 2', { s: { a: ['1', '2'] }, t: {} }],
    ['blanks inside of the brackets belong to the name', '[ s ]\na = 1', { ' s ': { a: ['1'] } }],
    [
      '[default] is not [DEFAULT]',
      '[DEFAULT]\na = 1\n[default]\na = 2',
      { DEFAULT: { a: ['1'] }, default: { a: ['2'] } },
    ],
    ['lines end with LF, CRLF or CR', '[s]\r\na = 1\r\r\nb = 2\rc = 3\n', { s: { a: ['1'], b: ['2'], c: ['3'] } }],
    ['white space is what Python calls so', '[s]\na =\u00a01\u0085\nb = \u001c2\u3000', { s: { a: ['1'], b: ['2'] } }],
    ['an empty value is a value', '[s]\na =\nb = 2', { s: { a: [''], b: ['2'] } }],
    ['a byte order mark is no text', '\uFEFF[s]\na = 1', { s: { a: ['1'] } }],
    ['nothing is nothing', '', {}],
  ])('%s', (_name, text, expected) => {
    expect(values(text)).toEqual(expected);
    expect(parseCinderConf(text).problems).toEqual([]);
  });
});

describe('text that oslo.config stops at is reported, and reading goes on', () => {
  it.each<[string, string, number, string]>([
    ['a line without a sign', '[s]\nnonsense\na = 1', 2, 'the line sets nothing'],
    ['a line without a key', '[s]\n = 3\n=3\na = 1', 3, 'there is no option name before the sign'],
    ['an indented line behind a blank one', '[s]\nb = 1\n \n  2\na = 1', 4, 'an indented line continues nothing'],
    ['an indented line behind a comment', '[s]\nb = 1\n# x\n  2\na = 1', 4, 'an indented line continues nothing'],
    ['a header with a comment behind it', '[s] # mine\na = 1', 1, 'the section header does not end with ]'],
    ['a header without its bracket', '[s\na = 1', 1, 'the section header does not end with ]'],
    ['a header without a name', '[s]\na = 1\n[]\nb = 1', 3, 'the section has no name'],
    ['an option before any section', 'b = 1\n[s]\na = 1', 1, 'the option stands before any section'],
  ])('%s', (_name, text, line, message) => {
    const document = parseCinderConf(text);
    expect(document.problems).toContainEqual(expect.objectContaining({ line, message }));
    expect(sectionOf(document, 's')?.assignments.filter((one) => one.option === 'a')).toHaveLength(1);
  });

  it('every syntax problem is reported at once, with its line', () => {
    const { problems } = parseCinderConf('x = 1\n[s\n  lost\nnonsense\n= 1\n[]\n');
    expect(problems.map((problem) => problem.line)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('no message repeats the text of a line, which may hold a secret', () => {
    const { problems } = parseCinderConf('hunter2 = hunter2\n[s]\nhunter2\n= hunter2\n[s]\n\n  hunter2\n');
    expect(problems).toHaveLength(4);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });
});

it('every assignment and every section knows its line', () => {
  const [section] = parseCinderConf('\n[s]\n\na = 1\n  2\nb = 3').sections;
  expect(section?.line).toBe(2);
  expect(section?.assignments.map(({ option, line }) => [option, line])).toEqual([
    ['a', 4],
    ['b', 6],
  ]);
});

it('a section that comes again is noted, and so is a [Default] that is not [DEFAULT]', () => {
  const { notes } = parseCinderConf('[s]\n[S]\n[Default]\n');
  expect(notes.map(({ section, line }) => [section, line])).toEqual([
    ['s', 2],
    ['Default', 3],
  ]);
});

it('a line of nothing but blanks and a letter is read in no time', () => {
  const blanks = ' '.repeat(200_000);
  expect(values(`[s]\na = x${blanks}y${blanks}`)).toEqual({ s: { a: [`x${blanks}y`] } });
});

const piece = fc.constantFrom(
  '[',
  ']',
  '[s]',
  '[DEFAULT]',
  'a',
  '=',
  ':',
  ' ',
  '\t',
  '\n',
  '\r',
  '\r\n',
  '#',
  ';',
  '"',
  "'",
  '$',
  '\uFEFF',
  '\u2028',
);

it('the parser never throws, and every problem has a line of the text', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(piece).map((parts) => parts.join('')),
      ),
      (text) => {
        const { problems, notes } = parseCinderConf(text);
        const lines = text.split(/\r\n|\r|\n/).length;
        for (const { line } of [...problems, ...notes]) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(lines);
        }
      },
    ),
    { numRuns: 300 },
  );
});

it('what is written in the plain form is read back as it was', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/);
  const value = fc.stringMatching(/^[A-Za-z0-9/.,:=#;$ -]{0,20}$/).map((text) => text.trim());
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 4 }), fc.array(fc.tuple(name, value)), (sections, options) => {
      const body = options.map(([key, text]) => `${key} = ${text}\n`).join('');
      const { sections: read, problems } = parseCinderConf(
        sections.map((section) => `[${section}]\n${body}`).join('\n'),
      );
      expect(problems).toEqual([]);
      expect(read.map((section) => section.name)).toEqual(sections);
      for (const section of read) {
        expect(section.assignments.map((one) => [one.option, one.value])).toEqual(options);
      }
    }),
  );
});
