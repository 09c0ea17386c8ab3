/** The body of a request: nested objects or dotted keys, numbers and booleans also as text (rest-facts section 1). */
import { Refusal } from '../refusals.ts';
import { isTree, type JsonTree, setAt, valuesAt } from './json-tree.ts';
import type { Field, Schema } from './schema.ts';

export interface BodyRules {
  readonly schema: Schema;
  readonly operation: 'POST' | 'PATCH';
  /** Names (or parents) that may be given; everything that is not read-only when absent. */
  readonly settable?: readonly string[] | undefined;
  /** Fields whose unknown values the resource refuses itself, with a code of its own. */
  readonly valuesLeftToResource?: readonly string[] | undefined;
}

/** A body that has passed its rules: nested, every value of its field's type; explicit nulls are kept. */
export class Body {
  readonly tree: JsonTree;

  constructor(tree: JsonTree) {
    this.tree = tree;
  }

  /** No body counts as an empty object: Cinder starts an update that way. */
  static parse(text: string | undefined, rules: BodyRules): Body {
    if (text === undefined || text.trim() === '') return new Body({});
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      throw new Refusal('invalidJson', { problem: error instanceof Error ? error.message : String(error) });
    }
    if (!isTree(json)) throw new Refusal('bodyIsNoObject');
    return new Body(checked(nested(json), '', rules));
  }

  has(name: string): boolean {
    const value = this.raw(name);
    return value !== undefined && value !== null;
  }

  /** True when the field, or the object around it, was given as null. */
  isNull(name: string): boolean {
    const keys = name.split('.');
    return keys.some((_, index) => this.raw(keys.slice(0, index + 1).join('.')) === null);
  }

  text(name: string): string | undefined {
    const value = valuesAt(this.tree, name)[0];
    return value === undefined ? undefined : String(value);
  }

  number(name: string): number | undefined {
    const value = this.raw(name);
    return typeof value === 'number' ? value : undefined;
  }

  boolean(name: string): boolean | undefined {
    const value = this.raw(name);
    return typeof value === 'boolean' ? value : undefined;
  }

  /** Every value under `name`, lists looked through: `texts('aggregates.name')`. */
  texts(name: string): string[] {
    return valuesAt(this.tree, name).map(String);
  }

  require(...names: string[]): void {
    for (const name of names) {
      if (valuesAt(this.tree, name).length === 0) throw new Refusal('requiredMissing', { name });
    }
  }

  private raw(name: string): unknown {
    let at: unknown = this.tree;
    for (const key of name.split('.')) at = isTree(at) ? at[key] : undefined;
    return at;
  }
}

function nested(tree: JsonTree): JsonTree {
  const result: JsonTree = {};
  for (const [key, value] of Object.entries(tree)) {
    const inner = isTree(value)
      ? nested(value)
      : Array.isArray(value)
        ? value.map((item) => (isTree(item) ? nested(item) : item))
        : value;
    if (!setAt(result, key, inner)) throw new Refusal('repeatedArgument', { name: key });
  }
  return result;
}

function checked(tree: JsonTree, path: string, rules: BodyRules): JsonTree {
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => {
      const name = path === '' ? key : `${path}.${key}`;
      const field = rules.schema.fields.get(name);
      if (field === undefined) throw new Refusal('unexpectedArgument', { name });
      return [key, checkedValue(field, value, rules)];
    }),
  );
}

function checkedValue(field: Field, value: unknown, rules: BodyRules): unknown {
  const { name } = field;
  if (field.type === 'any') return value;
  if (field.list && value !== null && !Array.isArray(value) && !isTree(value)) {
    throw new Refusal('invalidValue', { value: String(value), name, expected: '<list>' });
  }
  if (Array.isArray(value)) {
    return value.map((item) => checkedValue({ ...field, list: Array.isArray(item) }, item, rules));
  }
  // A reference to another object may be its name alone: `policy: "Asynchronous"`.
  if (field.type === 'object' && !field.list && typeof value === 'string' && rules.schema.fields.has(`${name}.name`)) {
    return checked({ name: value }, name, rules);
  }
  if (isTree(value)) {
    if (field.type !== 'object')
      throw new Refusal('invalidValue', { value: '{...}', name, expected: `<${field.type}>` });
    return checked(value, name, rules);
  }
  if (field.readOnly) throw new Refusal('fieldCannotBeSet', { name });
  if (rules.settable && !rules.settable.some((known) => name === known || name.startsWith(`${known}.`))) {
    throw new Refusal(rules.operation === 'POST' ? 'fieldCannotBeSet' : 'fieldNotPatchable', { name });
  }
  return value === null ? null : scalar(field, value, rules);
}

function scalar(field: Field, value: unknown, rules: BodyRules): unknown {
  const refuse = (expected: string) =>
    new Refusal('invalidValue', { value: String(value), name: field.name, expected: `<${expected}>` });
  switch (field.type) {
    case 'object':
      throw refuse('object');
    case 'integer':
    case 'number': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      if (typeof number !== 'number' || Number.isNaN(number)) throw refuse(field.type);
      if (field.type === 'integer' && !Number.isSafeInteger(number)) throw refuse(field.type);
      return number;
    }
    case 'boolean':
      if (value === true || value === 'true') return true;
      if (value === false || value === 'false') return false;
      throw refuse('true/false');
    default:
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') throw refuse('text');
      return enumerated(field, String(value), rules, refuse);
  }
}

/** Values of an enumeration count in upper case as well; ONTAP answers with its own spelling. */
function enumerated(field: Field, text: string, rules: BodyRules, refuse: (expected: string) => Refusal): string {
  if (!field.values) return text;
  const known = field.values.find((value) => value.toLowerCase() === text.toLowerCase());
  if (known !== undefined) return known;
  if (rules.valuesLeftToResource?.includes(field.name)) return text;
  throw refuse(field.values.join('|'));
}
