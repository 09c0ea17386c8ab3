/** Object stores by what a user writes on a command line or in a configuration. */
import { fileURLToPath } from 'node:url';
import { ObjectStoreError, redactText } from '../errors.ts';
import { FilesystemObjectStore, type FilesystemObjectStoreOptions } from './filesystem.ts';
import { locking } from './locking.ts';
import type { ObjectStore } from './object-store.ts';

/**
 * The store at a path or a `file:` URL. Nothing is touched before the first call.
 * @throws ObjectStoreError `OBJECT_STORE_UNSUPPORTED` for any other URL
 */
export function openObjectStore(url: string, options: FilesystemObjectStoreOptions = {}): ObjectStore {
  if (url.trim() === '') throw unsupported(url, 'it is empty');
  if (/^file:/i.test(url)) return locking(new FilesystemObjectStore(pathOf(url), options));
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1];
  if (scheme !== undefined) throw unsupported(url, `stores of the kind "${scheme}" are not supported`);
  return locking(new FilesystemObjectStore(url, options));
}

function pathOf(url: string): string {
  try {
    const { search, hash } = new URL(url);
    if (search === '' && hash === '') return fileURLToPath(url);
  } catch {
    // Told below.
  }
  throw unsupported(url, 'it is not a file: URL of an absolute path on this machine');
}

function unsupported(url: string, why: string): ObjectStoreError {
  return new ObjectStoreError('OBJECT_STORE_UNSUPPORTED', `${redactText(url)} is no object store: ${why}`, {
    attempted: 'open the object store',
    remedy: 'Give a path, or a URL such as file:///srv/backups.',
  });
}
