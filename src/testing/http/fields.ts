/** Which fields of a record are answered: `fields=a.b,c,d.{e,f},!g` and `*`, `**` (rest-facts section 1; addendum C10). */
import { Refusal } from '../refusals.ts';
import { isTree, type JsonTree, Lazy } from './json-tree.ts';
import type { Schema } from './schema.ts';

export interface FieldRules {
  readonly schema: Schema;
  /** Always answered. */
  readonly keys: readonly string[];
  /** Answered also when a collection is asked without `fields`. */
  readonly defaults?: readonly string[];
  /** Answered only by name or with `**`. */
  readonly expensive?: readonly string[];
}

export type Selection = (view: JsonTree) => JsonTree;

/** The selection that a request's `fields` asks for. Without it, an instance answers as with `*`, a collection its keys. */
export function selection(
  rules: FieldRules,
  asked: string | undefined,
  options: { instance: boolean; ignoreUnknown: boolean },
): Selection {
  const included = new Set(rules.keys);
  const excluded = new Set<string>();
  let everything = asked === undefined && options.instance;
  let expensiveToo = false;
  if (asked === undefined) for (const name of rules.defaults ?? []) included.add(name);
  for (const name of asked === undefined ? [] : expanded(asked)) {
    if (name === '*' || name === '**') {
      everything = true;
      expensiveToo ||= name === '**';
      continue;
    }
    const bare = name.startsWith('!') ? name.slice(1) : name;
    const known = rules.schema.fields.has(bare) || bare === '_links';
    if (!known && !options.ignoreUnknown) {
      throw new Refusal('invalidValue', { value: bare, name: 'fields', expected: '<field,...>' });
    }
    (name.startsWith('!') ? excluded : included).add(bare);
  }
  if (everything && !expensiveToo) {
    for (const name of rules.expensive ?? []) if (!included.has(name)) excluded.add(name);
  }
  return (view) => pick(view, '', { included, excluded, everything }) ?? {};
}

/** The names of a `fields` argument, braces multiplied out. */
function expanded(text: string): string[] {
  const names: string[] = [];
  let at = 0;
  let name = '';
  const flush = () => {
    if (name.trim() !== '') names.push(name.trim());
    name = '';
  };
  for (; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === ',') flush();
    else if (character === '{') {
      const end = text.indexOf('}', at);
      if (end < 0 || text.slice(at + 1, end).includes('{')) throw new Refusal('bracesUnbalanced');
      const prefix = name;
      for (const inner of text.slice(at + 1, end).split(',')) names.push(`${prefix}${inner.trim()}`);
      name = '';
      at = end;
    } else if (character === '}') throw new Refusal('bracesUnbalanced');
    else name += character;
  }
  flush();
  return names;
}

interface Choice {
  readonly included: ReadonlySet<string>;
  readonly excluded: ReadonlySet<string>;
  readonly everything: boolean;
}

function pick(tree: JsonTree, path: string, choice: Choice, whole = choice.everything): JsonTree | undefined {
  const result: JsonTree = {};
  for (const [key, value] of Object.entries(tree)) {
    const name = path === '' ? key : `${path}.${key}`;
    if (choice.excluded.has(name) && !choice.included.has(name)) continue;
    const here = whole || choice.included.has(name);
    const picked = pickValue(value, name, choice, here);
    if (picked !== undefined) result[key] = picked;
  }
  return Object.keys(result).length === 0 ? undefined : result;
}

function pickValue(given: unknown, name: string, choice: Choice, whole: boolean): unknown {
  if (given instanceof Lazy && !whole && ![...choice.included].some((wanted) => wanted.startsWith(`${name}.`))) return;
  const value = given instanceof Lazy ? given.value : given;
  if (isTree(value)) return pick(value, name, choice, whole);
  if (Array.isArray(value) && value.some(isTree)) {
    const items = value.map((item) => (isTree(item) ? pick(item, name, choice, whole) : item));
    return items.every((item) => item === undefined) ? undefined : items;
  }
  return whole ? value : undefined;
}
