/**
 * Core, format: bodies that are JSON (history entries, manifests). The record around them has proved that the bytes are
 * what was written; here the writer is checked: each field is there and of its type. Unknown fields are left alone.
 */
import { CloudError } from '../../../errors.ts';

/** One JSON object, its fields read with a check each. @throws CloudError `CLOUD_CORRUPT` from every method */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #what: string;

  constructor(value: unknown, what: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(what, 'is not a JSON object');
    this.#values = value as Record<string, unknown>;
    this.#what = what;
  }

  static parse(body: Uint8Array, what: string): Fields {
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    } catch (cause) {
      throw bad(what, 'is not JSON', cause);
    }
    return new Fields(value, what);
  }

  /** A safe integer from 0 on. */
  whole(name: string): number {
    const value = this.#values[name];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw bad(this.#what, `has no whole number in ${name}`);
  }

  text(name: string): string {
    const value = this.#values[name];
    if (typeof value === 'string') return value;
    throw bad(this.#what, `has no text in ${name}`);
  }

  optionalWhole(name: string): number | undefined {
    return this.#values[name] === undefined ? undefined : this.whole(name);
  }

  optionalText(name: string): string | undefined {
    return this.#values[name] === undefined ? undefined : this.text(name);
  }

  flag(name: string): boolean {
    const value = this.#values[name];
    if (typeof value === 'boolean') return value;
    throw bad(this.#what, `has neither true nor false in ${name}`);
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const found = values.find((value) => value === this.#values[name]);
    if (found !== undefined) return found;
    throw bad(this.#what, `has in ${name} none of ${values.join(', ')}`);
  }

  wholes(name: string): number[] {
    return this.#list(name).map((value) => new Fields({ value }, `${this.#what}, ${name}`).whole('value'));
  }

  object(name: string): Fields {
    return new Fields(this.#values[name], `${this.#what}, ${name}`);
  }

  optionalObject(name: string): Fields | undefined {
    return this.#values[name] === undefined ? undefined : this.object(name);
  }

  objects(name: string): Fields[] {
    return this.#list(name).map((value) => new Fields(value, `${this.#what}, ${name}`));
  }

  /** Plain data that this format only keeps for others. */
  data(name: string): Readonly<Record<string, unknown>> {
    return this.object(name).#values;
  }

  #list(name: string): readonly unknown[] {
    const value = this.#values[name];
    if (Array.isArray(value)) return value;
    throw bad(this.#what, `has no list in ${name}`);
  }
}

export function encodeJson(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function bad(what: string, how: string, cause?: unknown): CloudError {
  return new CloudError('CLOUD_CORRUPT', `${what} ${how}`, { cause });
}
