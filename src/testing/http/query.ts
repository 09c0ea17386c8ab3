/** The query of a request: its arguments, and the tests on fields that ONTAP's query operators spell (rest-facts section 1). */
import { Refusal } from '../refusals.ts';
import type { Field } from './schema.ts';
import { durationSeconds } from './time-text.ts';

/** Arguments that every GET, or every change of a collection, understands. */
const COMMON_ARGUMENTS = new Set([
  'fields',
  'max_records',
  'return_records',
  'return_timeout',
  'order_by',
  '$orderBy',
  'ignore_unknown_fields',
  'pretty',
  'continue_on_failure',
  'serial_records',
  'offset',
]);

const SECRET = /(^|[._])(password|passphrase|secret|private_key)$/;

/** The arguments of one request, each at most once. */
export class Arguments {
  private readonly values: ReadonlyMap<string, string>;

  constructor(raw: string) {
    const values = new Map<string, string>();
    for (const part of raw.split('&')) {
      if (part === '') continue;
      const equals = part.indexOf('=');
      const name = decode(equals < 0 ? part : part.slice(0, equals));
      if (values.has(name)) throw new Refusal('repeatedArgument', { name });
      values.set(name, equals < 0 ? '' : decode(part.slice(equals + 1)));
    }
    this.values = values;
  }

  get(name: string): string | undefined {
    return this.values.get(name);
  }

  entries(): [string, string][] {
    return [...this.values];
  }

  boolean(name: string, otherwise: boolean): boolean {
    const value = this.values.get(name);
    if (value === undefined) return otherwise;
    if (value === 'true' || value === '') return true;
    if (value === 'false') return false;
    throw new Refusal('invalidValue', { value, name, expected: '<true/false>' });
  }

  integer(name: string, otherwise: number, range: readonly [number, number]): number {
    const value = this.values.get(name);
    if (value === undefined) return otherwise;
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < range[0] || number > range[1]) {
      throw new Refusal('invalidValue', { value, name, expected: `<${range[0]}..${range[1]}>` });
    }
    return number;
  }

  /** The arguments that are tests on fields; refuses what is neither a field nor among `known`. */
  fieldTests(fields: ReadonlyMap<string, Field>, known: readonly string[]): [Field, string][] {
    const tests: [Field, string][] = [];
    for (const [name, value] of this.values) {
      if (COMMON_ARGUMENTS.has(name) || known.includes(name) || name.startsWith('start.')) continue;
      if (SECRET.test(name)) throw new Refusal('secretInUrl', { name });
      const field = fields.get(name);
      if (field === undefined || field.type === 'object') throw new Refusal('unexpectedArgument', { name });
      tests.push([field, value]);
    }
    return tests;
  }
}

function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

/** A test of the values that a record has for one field. */
export type FieldTest = (values: readonly unknown[]) => boolean;

/** `a|b`, `!a`, `lo..hi`, `<v` `>v` `<=v` `>=v`, `null`, `!null`, `*` anywhere, `"..."` and `{...}` as they stand. */
export function fieldTest(field: Field, text: string): FieldTest {
  const alternatives = splitOutsideQuotes(text, '|').map((part) => alternative(field, part));
  return (values) => alternatives.some((test) => test(values));
}

function alternative(field: Field, text: string): FieldTest {
  if (text.startsWith('!')) {
    const test = alternative(field, text.slice(1));
    return (values) => !test(values);
  }
  if (text === 'null') return (values) => values.length === 0;
  if (text === '*') return () => true;
  const comparison = /^(<=|>=|<|>)(.*)$/s.exec(text);
  if (comparison) {
    const [, operator, bound = ''] = comparison;
    const limit = comparable(field, unquoted(bound));
    return (values) =>
      values.some((value) => {
        const order = compare(fromRecord(field, value), limit);
        if (operator === '<') return order < 0;
        if (operator === '<=') return order <= 0;
        return operator === '>' ? order > 0 : order >= 0;
      });
  }
  const range = splitOutsideQuotes(text, '..');
  if (range.length === 2) {
    const [low, high] = range.map((bound) => (bound === '' ? undefined : comparable(field, unquoted(bound))));
    return (values) =>
      values.some((value) => {
        const own = fromRecord(field, value);
        return (low === undefined || compare(own, low) >= 0) && (high === undefined || compare(own, high) <= 0);
      });
  }
  if (isQuoted(text)) {
    const exact = comparable(field, unquoted(text));
    return (values) => values.some((value) => fromRecord(field, value) === exact);
  }
  if (text.includes('*')) {
    const pattern = new RegExp(`^${text.split('*').map(escapedForRegExp).join('.*')}$`, 's');
    return (values) => values.some((value) => pattern.test(String(value)));
  }
  const exact = comparable(field, text);
  return (values) => values.some((value) => fromRecord(field, value) === exact);
}

export type Comparable = string | number | boolean;

/** How values of a field are ordered and compared: numbers, times and durations by size, the rest alphabetically. */
export function fromRecord(field: Field, value: unknown): Comparable {
  if (field.type === 'time') return Date.parse(String(value));
  if (field.type === 'duration') return durationSeconds(String(value)) ?? 0;
  return typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
}

export function compare(a: Comparable, b: Comparable): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function comparable(field: Field, text: string): Comparable {
  const refuse = (expected: string) => new Refusal('invalidValue', { value: text, name: field.name, expected });
  switch (field.type) {
    case 'integer':
    case 'number': {
      if (text.trim() === '' || Number.isNaN(Number(text))) throw refuse('<integer>');
      return Number(text);
    }
    case 'boolean': {
      if (text !== 'true' && text !== 'false') throw refuse('<true/false>');
      return text === 'true';
    }
    case 'time': {
      const time = Date.parse(text);
      if (Number.isNaN(time)) throw refuse('<date and time>');
      return time;
    }
    case 'duration': {
      const seconds = durationSeconds(text);
      if (seconds === undefined) throw refuse('<duration>');
      return seconds;
    }
    default: {
      if (field.values && !field.values.includes(text)) throw refuse(`<${field.values.join('|')}>`);
      return text;
    }
  }
}

function isQuoted(text: string): boolean {
  return /^(".*"|\{.*\})$/s.test(text);
}

function unquoted(text: string): string {
  return isQuoted(text) ? text.slice(1, -1) : text;
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let closing: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (closing !== undefined) {
      if (character === closing) closing = undefined;
    } else if (character === '"') closing = '"';
    else if (character === '{') closing = '}';
    else if (text.startsWith(separator, at)) {
      parts.push(text.slice(start, at));
      at += separator.length - 1;
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function escapedForRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
