/**
 * Core (layer 1): reads cinder.conf by the rules of oslo.config's own parser, line for line: where it stops at the first error, this
 * one reports it and goes on. Interpolation is not done here, because it needs to know the options.
 */
import type { ReplicationProblem } from './configuration.ts';
import {
  DEFAULT_SECTION,
  normalSectionName,
  type RawAssignment,
  type RawDocument,
  type RawSection,
} from './raw-document.ts';

/**
 * Never throws. What is read as what:
 * - `[section]` at the start of a line and with nothing behind it; a name may come again and is the same section
 * - `key = value` or `key: value`, split at whichever comes first; one pair of quotes around the whole value is taken off
 * - a line that starts with a space or a tab goes on with the value above it (joined by a line feed), also when it looks
 *   like a comment; a blank line or a comment ends the value
 * - `#` and `;` start a comment only at the start of a line: behind a value they belong to it
 * - a repeated key is kept every time; the option's type decides whether that means several values or the last one
 *
 * Messages never repeat text of the file other than names of sections, since any line may hold a secret.
 */
export function parseCinderConf(text: string): RawDocument {
  const sections = new Map<string, OpenSection>();
  const problems: ReplicationProblem[] = [];
  const notes: ReplicationProblem[] = [];
  let section: OpenSection | undefined;
  let open: { option: string; lines: string[]; line: number } | undefined;

  const close = () => {
    if (open === undefined) return;
    const { option, lines, line } = open;
    section?.assignments.push({ option, label: option, value: lines.join('\n'), line });
    open = undefined;
  };
  const problem = (line: number, message: string, expected: string) =>
    problems.push({ section: section?.name ?? '', line, message, expected });

  for (const [index, raw] of linesOf(text).entries()) {
    const line = index + 1;
    const content = strippedRight(raw);
    if (content === '') {
      close();
    } else if (content.startsWith(' ') || content.startsWith('\t')) {
      if (open !== undefined) open.lines.push(strippedLeft(content));
      else problem(line, 'an indented line continues nothing', 'no space at the start of a line that sets an option');
    } else {
      close();
      if (content.startsWith('[')) {
        const name = content.endsWith(']') ? content.slice(1, -1) : beforeBracket(content);
        section = openSection(sections, name, line, notes);
        if (name === '') problem(line, 'the section has no name', '[name]');
        else if (!content.endsWith(']'))
          problem(line, 'the section header does not end with ]', `[${name}] and nothing behind it`);
      } else if (!content.startsWith('#') && !content.startsWith(';')) {
        const { key, value } = split(content);
        if (value === undefined) problem(line, 'the line sets nothing', 'key = value or key: value');
        else if (key === '') problem(line, 'there is no option name before the sign', 'key = value or key: value');
        else if (section === undefined)
          problem(line, 'the option stands before any section', 'a [section] line above it');
        else open = { option: key, lines: [unquoted(value)], line };
      }
    }
  }
  close();
  return { dialect: 'cinder.conf', line: 1, sections: [...sections.values()], problems, notes };
}

interface OpenSection extends RawSection {
  readonly assignments: RawAssignment[];
}

function openSection(
  sections: Map<string, OpenSection>,
  name: string,
  line: number,
  notes: ReplicationProblem[],
): OpenSection {
  const known = sections.get(normalSectionName(name));
  if (known !== undefined) {
    notes.push({
      section: known.name,
      line,
      message: `the section also starts at line ${known.line}; both are one section`,
    });
    return known;
  }
  if (name !== DEFAULT_SECTION && name.toUpperCase() === DEFAULT_SECTION) {
    notes.push({
      section: name,
      line,
      message: `[${name}] is not [DEFAULT]: only the spelling in capitals is`,
      expected: '[DEFAULT]',
    });
  }
  const opened: OpenSection = { name, label: name, line, assignments: [] };
  sections.set(normalSectionName(name), opened);
  return opened;
}

/** What a header without its bracket at the end was meant to name, so that what follows is not blamed on another section. */
function beforeBracket(header: string): string {
  const end = header.indexOf(']');
  return stripped(header.slice(1, end < 0 ? undefined : end));
}

function split(content: string): { key: string; value: string | undefined } {
  const at = content.search(/[:=]/);
  if (at < 0) return { key: content, value: undefined };
  return { key: stripped(content.slice(0, at)), value: stripped(content.slice(at + 1)) };
}

function unquoted(value: string): string {
  const first = value.at(0);
  return (first === '"' || first === "'") && value.at(-1) === first ? value.slice(1, -1) : value;
}

/** A byte order mark is no part of the text. Lines end as Python's text mode has it. */
function linesOf(text: string): string[] {
  return text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
}

function stripped(text: string): string {
  return strippedLeft(strippedRight(text));
}

function strippedLeft(text: string): string {
  let start = 0;
  while (start < text.length && SPACE.includes(text.charAt(start))) start += 1;
  return text.slice(start);
}

function strippedRight(text: string): string {
  let end = text.length;
  while (end > 0 && SPACE.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** Python's idea of white space, which is not JavaScript's. */
const SPACE =
  '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000';
