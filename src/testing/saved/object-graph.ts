/**
 * Any graph of objects as JSON and bytes, and back: cycles, shared objects, Maps, Sets, typed arrays, instances of known
 * classes, and work planned for later (later.ts). One rule for everything: all fields of an object are written. What the
 * rule cannot write is an error that says where it was found, so nothing is left out in silence.
 */
import { WaflVolume } from '../../core/wafl/volume.ts';
import { isPlanned, planned } from '../later.ts';

/** A class whose instances may be written: all their fields but those it names, which begin anew. */
export interface SavedClass {
  readonly prototype: object;
  readonly notSaved?: Readonly<Record<string, () => unknown>>;
}

export interface GraphRules {
  readonly classes: Readonly<Record<string, SavedClass>>;
  /** Objects that are no part of the graph: references to them are written by name. */
  readonly outside: Readonly<Record<string, object>>;
}

/** Plain JSON; bytes are in a place of their own. */
export interface EncodedGraph {
  readonly root: EncodedValue;
  readonly nodes: readonly EncodedNode[];
}

type EncodedValue =
  | null
  | boolean
  | string
  | number
  | { readonly ref: number }
  | { readonly special: (typeof SPECIALS)[number] };

type EncodedFields = Readonly<Record<string, EncodedValue>>;

type EncodedNode =
  | { readonly list: readonly EncodedValue[] }
  | { readonly map: readonly (readonly [EncodedValue, EncodedValue])[] }
  | { readonly set: readonly EncodedValue[] }
  | { readonly fields: EncodedFields; readonly class?: string }
  | { readonly work: string; readonly on: EncodedValue }
  | { readonly regExp: string; readonly flags: string }
  | { readonly outside: string }
  | { readonly volume: EncodedGraph }
  | { readonly bytes: keyof typeof TYPED_ARRAYS; readonly at: number; readonly length: number };

const SPECIALS = ['undefined', 'Infinity', '-Infinity', 'NaN', '-0'] as const;
const TYPED_ARRAYS = { Uint8Array, Uint16Array, Uint32Array, Int32Array, Float64Array } as const;
type TypedArray = InstanceType<(typeof TYPED_ARRAYS)[keyof typeof TYPED_ARRAYS]>;

/** Collects the bytes of a graph, each piece at a multiple of eight. */
export class ByteArea {
  readonly pieces: Uint8Array[] = [];
  length = 0;

  add({ buffer, byteOffset, byteLength }: TypedArray): number {
    const at = this.length;
    const padding = (8 - (byteLength % 8)) % 8;
    this.pieces.push(new Uint8Array(buffer, byteOffset, byteLength), new Uint8Array(padding));
    this.length += byteLength + padding;
    return at;
  }
}

/** @throws Error that says where, when there is something that cannot be written */
export function encodeGraph(root: unknown, rules: GraphRules, area: ByteArea): EncodedGraph {
  return new Encoder(rules, area).encode(root);
}

class Encoder {
  readonly #rules: GraphRules;
  readonly #area: ByteArea;
  readonly #classes: ReadonlyMap<object, string>;
  readonly #outside: ReadonlyMap<object, string>;
  readonly #ids = new Map<object, number>();
  readonly #queue: { readonly value: object; readonly path: string }[] = [];

  constructor(rules: GraphRules, area: ByteArea) {
    this.#rules = rules;
    this.#area = area;
    this.#classes = new Map(Object.entries(rules.classes).map(([name, { prototype }]) => [prototype, name]));
    this.#outside = new Map(Object.entries(rules.outside).map(([name, object]) => [object, name]));
  }

  encode(root: unknown): EncodedGraph {
    const encodedRoot = this.#value(root, 'world');
    const nodes: EncodedNode[] = [];
    // The queue grows while it is worked off: no recursion, however long a chain of objects is.
    for (const { value, path } of this.#queue) nodes.push(this.#node(value, path));
    return { root: encodedRoot, nodes };
  }

  #value(value: unknown, path: string): EncodedValue {
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
    if (value === undefined) return { special: 'undefined' };
    if (typeof value === 'number') {
      const text = Object.is(value, -0) ? '-0' : String(value);
      const special = SPECIALS.find((known) => known === text);
      return special === undefined ? value : { special };
    }
    if (typeof value !== 'object' && typeof value !== 'function') throw unwritable(path, `a ${typeof value}`);
    const known = this.#ids.get(value);
    if (known !== undefined) return { ref: known };
    const id = this.#queue.push({ value, path }) - 1;
    this.#ids.set(value, id);
    return { ref: id };
  }

  #node(value: object, path: string): EncodedNode {
    const outside = this.#outside.get(value);
    if (outside !== undefined) return { outside };
    if (isPlanned(value)) return { work: value.work, on: this.#value(value.on, `${path}.on`) };
    if (typeof value === 'function') throw unwritable(path, `the function ${value.name || 'without a name'}`);
    if (Array.isArray(value)) return { list: value.map((item, i) => this.#value(item, `${path}[${i}]`)) };
    if (value instanceof Map) {
      const entry = ([key, item]: [unknown, unknown]) =>
        [this.#value(key, `${path} key`), this.#value(item, `${path}.get(${String(key)})`)] as const;
      return { map: [...value].map(entry) };
    }
    if (value instanceof Set) return { set: [...value].map((item) => this.#value(item, `${path} member`)) };
    if (value instanceof RegExp) return { regExp: value.source, flags: value.flags };
    if (value instanceof WaflVolume) return { volume: encodeGraph(value.save(), PLAIN, this.#area) };
    const bytes = typedArrayName(value);
    if (bytes !== undefined) {
      const array = value as TypedArray;
      return { bytes, at: this.#area.add(array), length: array.length };
    }
    return this.#instance(value, path);
  }

  #instance(value: object, path: string): EncodedNode {
    const prototype: object | null = Object.getPrototypeOf(value);
    if (prototype === null || prototype === Object.prototype) return { fields: this.#fields(value, path, {}) };
    const name = this.#classes.get(prototype);
    if (name === undefined) throw unwritable(path, `an object of the class ${prototype.constructor.name}`);
    const { notSaved = {} } = this.#rules.classes[name] ?? {};
    return { class: name, fields: this.#fields(value, path, notSaved) };
  }

  #fields(value: object, path: string, notSaved: NonNullable<SavedClass['notSaved']>): EncodedFields {
    const kept = Object.entries(value).filter(([name]) => !(name in notSaved));
    return Object.fromEntries(kept.map(([name, field]) => [name, this.#value(field, `${path}.${name}`)]));
  }
}

const PLAIN: GraphRules = { classes: {}, outside: {} };

function typedArrayName(value: object): keyof typeof TYPED_ARRAYS | undefined {
  const names = Object.keys(TYPED_ARRAYS) as (keyof typeof TYPED_ARRAYS)[];
  // Node's Buffer is a Uint8Array too.
  return names.find((name) => value instanceof TYPED_ARRAYS[name]);
}

function unwritable(path: string, what: string): Error {
  return new Error(`a world cannot be written to a file: ${path} is ${what}`);
}

/** @throws Error when the graph does not fit the rules: a class, a kind of work or an outside object is unknown */
export function decodeGraph({ root, nodes }: EncodedGraph, rules: GraphRules, bytes: Uint8Array): unknown {
  const made: unknown[] = nodes.map((node) => empty(node, rules, bytes));
  const value = (encoded: EncodedValue): unknown => {
    if (encoded === null || typeof encoded !== 'object') return encoded;
    if ('ref' in encoded) return made[encoded.ref];
    return encoded.special === 'undefined' ? undefined : Number(encoded.special);
  };
  // Work is made of an object that is there, if empty; only then can it be part of others.
  nodes.forEach((node, id) => {
    if ('work' in node) made[id] = planned({ work: node.work, on: value(node.on) });
  });
  nodes.forEach((node, id) => {
    const target = made[id];
    if ('list' in node) (target as unknown[]).push(...node.list.map(value));
    else if ('map' in node)
      for (const [key, item] of node.map) (target as Map<unknown, unknown>).set(value(key), value(item));
    else if ('set' in node) for (const item of node.set) (target as Set<unknown>).add(value(item));
    else if ('fields' in node) {
      for (const [name, field] of Object.entries(node.fields))
        Object.assign(target as object, { [name]: value(field) });
    }
  });
  return value(root);
}

/** What a node becomes, before it is filled. */
function empty(node: EncodedNode, rules: GraphRules, bytes: Uint8Array): unknown {
  if ('list' in node) return [];
  if ('map' in node) return new Map();
  if ('set' in node) return new Set();
  if ('regExp' in node) return new RegExp(node.regExp, node.flags);
  if ('work' in node) return undefined;
  if ('volume' in node) {
    return WaflVolume.load(decodeGraph(node.volume, PLAIN, bytes) as Parameters<typeof WaflVolume.load>[0]);
  }
  if ('bytes' in node) {
    const Array_ = TYPED_ARRAYS[node.bytes];
    const from = node.at;
    return new Array_(bytes.slice(from, from + node.length * Array_.BYTES_PER_ELEMENT).buffer);
  }
  if ('outside' in node) return known(rules.outside, node.outside, 'object outside the world');
  if (node.class === undefined) return {};
  const { prototype, notSaved = {} } = known(rules.classes, node.class, 'class');
  const instance: object = Object.create(prototype);
  for (const [name, initial] of Object.entries(notSaved)) Object.assign(instance, { [name]: initial() });
  return instance;
}

function known<T>(table: Readonly<Record<string, T>>, name: string, what: string): T {
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (found === undefined) throw new Error(`no ${what} is called ${name}`);
  return found;
}
