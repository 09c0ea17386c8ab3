/** Adapter (layer 6): SnapMirror endpoint paths. Only `svm:volume` names a volume; the other forms are kept as they are. */

export type MirrorPath =
  | { readonly kind: 'volume'; readonly svm: string; readonly volume: string }
  | { readonly kind: 'svm'; readonly svm: string }
  | { readonly kind: 'consistency-group'; readonly svm: string; readonly group: string }
  | { readonly kind: 'other'; readonly path: string };

/** Reads `svm:volume`, `svm:`, `svm:/cg/name`, and keeps buckets and object stores (`store:/objstore/x`) as `other`. */
export function parseMirrorPath(path: string): MirrorPath {
  const colon = path.indexOf(':');
  if (colon <= 0) return { kind: 'other', path };
  const svm = path.slice(0, colon);
  const rest = path.slice(colon + 1);
  if (rest === '') return { kind: 'svm', svm };
  if (rest.startsWith('/cg/')) return { kind: 'consistency-group', svm, group: rest.slice('/cg/'.length) };
  if (rest.startsWith('/') || rest.includes(':')) return { kind: 'other', path };
  return { kind: 'volume', svm, volume: rest };
}

export function volumePath(svm: string, volume: string): string {
  return `${svm}:${volume}`;
}
