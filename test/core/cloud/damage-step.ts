/** I10 within random histories: something that a live snapshot needs is damaged in a copy of the store. */

import { decodeManifest } from '../../../src/core/cloud/format/manifest.ts';
import {
  historyKey,
  l3PartKey,
  manifestKey,
  objectIdPartKey,
  objectKey,
} from '../../../src/core/cloud/format/names.ts';
import { decodeObjectIdPart } from '../../../src/core/cloud/format/object-id-part.ts';
import type { FormatTools } from '../../../src/core/cloud/format/tools.ts';
import type { EndpointState } from '../../../src/core/cloud/history.ts';
import { ObjectIdSet } from '../../../src/core/cloud/object-ids.ts';
import type { Step } from './steps.ts';

export type DamageStep = Extract<Step, { do: 'damage' }>;

export interface Endpoint {
  readonly endpointId: Uint8Array;
  readonly tools: FormatTools;
  readonly state: EndpointState;
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

/** Which key is damaged, and the contents of the store then; nothing when there is no snapshot. */
export function damaged(
  endpoint: Endpoint,
  step: DamageStep,
): { key: string; contents: Map<string, Uint8Array> } | undefined {
  const keys = neededKeys(endpoint);
  const contents = new Map(endpoint.contents);
  const key = keys[step.which % keys.length];
  const bytes = contents.get(key ?? '');
  if (endpoint.state.snapshots.length === 0 || key === undefined || bytes === undefined) return undefined;
  const at = step.byte % bytes.length;
  // That the last entry of a history is gone can be noticed only by who has seen it.
  const isLastEntry = key === historyKey(endpoint.state.lastNumber);
  if (step.how === 'lose' && !isLastEntry) contents.delete(key);
  else if (step.how === 'cut') contents.set(key, bytes.slice(0, at));
  else if (step.how === 'swap') contents.set(key, contents.get(keys[(step.which + 1) % keys.length] ?? '') ?? bytes);
  else {
    const flipped = bytes.slice();
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (step.byte & 7));
    contents.set(key, flipped);
  }
  return { key, contents };
}

/** Everything that the history and the live snapshots are made of, sorted. */
function neededKeys({ endpointId, tools, state, contents }: Endpoint): string[] {
  const get = (key: string) => contents.get(key) ?? new Uint8Array();
  const keys = Array.from({ length: state.lastNumber }, (_, at) => historyKey(at + 1));
  const objects = new ObjectIdSet();
  for (const { id } of state.snapshots) {
    keys.push(manifestKey(id));
    const { manifest } = decodeManifest(get(manifestKey(id)), endpointId, id, tools);
    for (const { part } of manifest.l3Parts) keys.push(l3PartKey(id, part));
    for (const { part } of manifest.objectIdParts) {
      keys.push(objectIdPartKey(id, part));
      const identity = { endpointId, snapshotId: id, part };
      for (const page of decodeObjectIdPart(get(objectIdPartKey(id, part)), identity, tools).pages)
        objects.addPage(page);
    }
  }
  for (const id of objects) keys.push(objectKey(id));
  return keys;
}
