/** From a path to a resource. */
import { Refusal } from '../refusals.ts';
import { belowApi } from './message.ts';
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
  const path = belowApi(rawPath);
  if (path === undefined) throw new Refusal('unknownPath');
  const parts = path.slice(1).split('/').map(decoded);
  for (const resource of resources) {
    const pattern = resource.path.slice(1).split('/');
    const isInstance = parts.length === pattern.length + (resource.keyParts ?? 1) && !resource.single;
    if (parts.length !== pattern.length && !isInstance) continue;
    const parameters: Record<string, string> = {};
    const fits = pattern.every((part, index) => {
      const given = parts[index] ?? '';
      if (!part.startsWith('{')) return part === given;
      parameters[part.slice(1, -1)] = given;
      return true;
    });
    if (fits)
      return { resource, path, key: isInstance ? parts.slice(pattern.length).join('/') : undefined, parameters };
  }
  throw new Refusal('unknownPath');
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refusal('badUrl');
  }
}
