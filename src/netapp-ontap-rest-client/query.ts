/**
 * Values of queries and paths as ONTAP reads them. Several parameters AND together; within one value `*`, `|`, `!`, `..`,
 * `<`, `>` and `null` are operators, so a plain value that contains one is quoted, and everything is URL-encoded. Where
 * a value cannot be expressed safely the call is refused before anything is sent.
 */
import { OntapError } from '../errors.ts';

/** A comparison, made by the functions below; `T` is the type of the parameter it may be given for. */
export class QueryExpression<out T> {
  /** As ONTAP reads it, before URL encoding. */
  readonly text: string;
  /** Whether a leading `!` would apply to all of it. */
  readonly negatable: boolean;
  /** Keeps an expression on one type from being given for a parameter of another. */
  declare readonly comparedWith?: T;

  constructor(text: string, negatable = false) {
    this.text = text;
    this.negatable = negatable;
  }
}

type Comparable = string | number | boolean;

/** Anything but the value, which may be a `matches(...)` or `isNull` but no other expression: `!v`. */
export function not<const T extends Comparable>(value: T | QueryExpression<T>): QueryExpression<T> {
  if (value instanceof QueryExpression && !value.negatable) {
    throw inexpressible(value.text, 'ONTAP negates single values, patterns and null only');
  }
  return new QueryExpression(`!${operand(value)}`);
}

/** One of the values; each may be an expression: `a|b`. */
export function anyOf<const T extends Comparable>(
  ...values: readonly [T | QueryExpression<T>, ...(T | QueryExpression<T>)[]]
): QueryExpression<T> {
  return new QueryExpression(values.map(operand).join('|'));
}

/** From one value to another, both included: `lo..hi`. */
export function range<T extends string | number>(low: T, high: T): QueryExpression<Widened<T>> {
  return new QueryExpression(`${operand(low)}..${operand(high)}`);
}

/** The value or more: `>=v`. */
export function atLeast<T extends string | number>(value: T): QueryExpression<Widened<T>> {
  return new QueryExpression(`>=${operand(value)}`);
}

/** Less than the value: `<v`. Objects without the field are left out; `anyOf(lessThan(v), isNull)` brings them in. */
export function lessThan<T extends string | number>(value: T): QueryExpression<Widened<T>> {
  return new QueryExpression(`<${operand(value)}`);
}

/** A pattern in which `*` stands for any text: `svm1:*`. */
export function matches(pattern: string): QueryExpression<string> {
  if (!pattern.includes('*')) return new QueryExpression(literal(pattern), true);
  if (/[|!<>"{}]|\.\./.test(pattern)) throw inexpressible(pattern, 'a pattern cannot hold operators other than `*`');
  return new QueryExpression(pattern, true);
}

/** The field has no value. `not(isNull)`: it has one. */
export const isNull: QueryExpression<never> = new QueryExpression('null', true);

type Widened<T> = T extends number ? number : string;

function operand(value: Comparable | QueryExpression<Comparable>): string {
  return value instanceof QueryExpression ? value.text : literal(value);
}

/** A value that is not to act as an operator: quoted where it would. */
function literal(value: Comparable): string {
  const text = String(value);
  if (typeof value !== 'string' || !(text === '' || text === 'null' || /[*|!<>"{}]|\.\./.test(text))) return text;
  if (!text.includes('"')) return `"${text}"`;
  if (!/[{}]/.test(text)) return `{${text}}`;
  throw inexpressible(text, 'it holds both kinds of quotes that ONTAP knows, `"` and `{}`');
}

function inexpressible(text: string, why: string): OntapError {
  return new OntapError('ONTAP_REJECTED', `${JSON.stringify(text)} cannot be expressed in a query: ${why}`, {
    attempted: 'build a query',
    object: text,
    remedy: 'Ask for more objects and compare in the program.',
  });
}

/** A query string without `?`. `undefined` values are left out; lists (`fields`, `order_by`) are joined by commas, unquoted. */
export function queryString(query: Readonly<Record<string, unknown>>): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    parts.push(`${encodeURIComponent(name)}=${encodedValue(name, value)}`);
  }
  return parts.join('&');
}

function encodedValue(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => encodeURIComponent(String(item))).join(',');
  if (value instanceof QueryExpression) return encodeURIComponent(value.text);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return encodeURIComponent(literal(value));
  }
  throw new OntapError('ONTAP_REJECTED', `query parameter ${name} has a value that is not text, number or boolean`, {
    attempted: 'build a query',
    object: name,
  });
}

/**
 * A path template with its parameters filled in. Dots are encoded too. Refused: a missing or empty parameter, which
 * would address the whole collection, and `.` or `..`, which URLs resolve even when encoded: a DELETE of `files/..`
 * deletes the volume.
 */
export function filledPath(template: string, parameters: Readonly<Record<string, unknown>>): string {
  return template.replace(/\{([^{}]+)\}/g, (_, name: string) => {
    const value = String(parameters[name] ?? '');
    if (value === '' || value === '.' || value === '..') {
      throw new OntapError(
        'ONTAP_REJECTED',
        `path parameter ${name} of ${template} cannot be ${JSON.stringify(value)}`,
        {
          attempted: 'build a path',
          object: template,
          remedy: 'It would address another object than the one that is meant.',
        },
      );
    }
    return encodeURIComponent(value).replaceAll('.', '%2E');
  });
}
