/** From a path to a resource: repeated slashes count as one, one at the end does not count (rest-facts section 1). */
import { Refusal } from '../refusals.ts';
import type { Resource } from './resource.ts';

export interface Route {
  // biome-ignore lint/suspicious/noExplicitAny: the record's type stays within its resource
  readonly resource: Resource<any>;
  /** Below /api, tidied. */
  readonly path: string;
  /** The key of the instance asked for; absent when the collection is. */
  readonly key: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
}

// biome-ignore lint/suspicious/noExplicitAny: the record's type stays within its resource
export function route(resources: readonly Resource<any>[], rawPath: string): Route {
  const tidy = rawPath.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  if (!/^\/api\/./.test(tidy)) throw new Refusal('unknownPath');
  const path = tidy.slice('/api'.length);
  const parts = path.slice(1).split('/').map(decoded);
  for (const resource of resources) {
    const pattern = resource.path.slice(1).split('/');
    const isInstance = parts.length === pattern.length + 1 && !resource.single;
    if (parts.length !== pattern.length && !isInstance) continue;
    const parameters: Record<string, string> = {};
    const fits = pattern.every((part, index) => {
      const given = parts[index] ?? '';
      if (!part.startsWith('{')) return part === given;
      parameters[part.slice(1, -1)] = given;
      return true;
    });
    if (fits) return { resource, path, key: isInstance ? parts[pattern.length] : undefined, parameters };
  }
  throw new Refusal('unknownPath');
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
