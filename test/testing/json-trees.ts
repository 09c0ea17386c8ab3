/** Parsed JSON, and where an OpenAPI document has its schemas. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Tree = { readonly [key: string]: Json };

/** Of an answer or of a request's body; undefined when it has no content. */
export function jsonSchema(described: Tree): Tree | undefined {
  if (described['content'] === undefined) return undefined;
  return tree(tree(tree(described['content'])['application/json'] ?? {})['schema'] ?? {});
}

export function isTree(value: Json): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function tree(value: Json | undefined): Tree {
  if (value === undefined || !isTree(value)) throw new Error(`not an object of the document: ${JSON.stringify(value)}`);
  return value;
}

export function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
