/** JSON objects addressed by dotted names, as ONTAP does it. A list on the way is looked through: all its items count. */

export type JsonTree = { [key: string]: unknown };

export function isTree(value: unknown): value is JsonTree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Lazy);
}

/** A value that is worked out only when somebody asks for it. */
export class Lazy {
  private readonly work: () => unknown;

  constructor(work: () => unknown) {
    this.work = work;
  }

  get value(): unknown {
    return this.work();
  }
}

export function lazy(work: () => unknown): Lazy {
  return new Lazy(work);
}

/** Every value at `name`; empty when it is not set. */
export function valuesAt(tree: unknown, name: string): unknown[] {
  let found: unknown[] = [tree];
  for (const key of name.split('.')) {
    found = found.flatMap((value) => {
      const found = isTree(value) ? value[key] : undefined;
      const next = found instanceof Lazy ? found.value : found;
      if (next === undefined || next === null) return [];
      return Array.isArray(next) ? next : [next];
    });
  }
  return found;
}

/** Sets the value at `name`, making the objects on the way. Returns false when something else is in the way. */
export function setAt(tree: JsonTree, name: string, value: unknown): boolean {
  const keys = name.split('.');
  const last = keys.pop() ?? name;
  let at = tree;
  for (const key of keys) {
    at[key] ??= {};
    const next = at[key];
    if (!isTree(next)) return false;
    at = next;
  }
  const existing = at[last];
  if (existing === undefined) at[last] = value;
  else if (isTree(existing) && isTree(value)) {
    return Object.entries(value).every(([key, inner]) => setAt(existing, key, inner));
  } else return false;
  return true;
}

/** `changes` laid over `tree`: objects are merged, everything else is replaced. Neither argument is changed. */
export function overlaid(tree: JsonTree, changes: JsonTree): JsonTree {
  const result = { ...tree };
  for (const [key, value] of Object.entries(changes)) {
    const before = result[key];
    result[key] = isTree(value) && isTree(before) ? overlaid(before, value) : value;
  }
  return result;
}

/** A copy without what is undefined, and without the objects that this leaves empty. */
export function withoutAbsent(tree: JsonTree): JsonTree {
  const result: JsonTree = {};
  for (const [key, value] of Object.entries(tree)) {
    if (value === undefined) continue;
    if (Array.isArray(value)) result[key] = value.map((item) => (isTree(item) ? withoutAbsent(item) : item));
    else if (isTree(value)) {
      const inner = withoutAbsent(value);
      if (Object.keys(inner).length > 0) result[key] = inner;
    } else result[key] = value;
  }
  return result;
}
