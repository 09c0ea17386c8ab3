/** Run (layer 3): who writes to an endpoint, and how one writer takes it over from another. */
import type { EncryptionKey } from '../../compute/compute.ts';
import { toHex } from '../../core/cloud/format/binary.ts';
import type { EndpointProperties, TakeOverEntry } from '../../core/cloud/format/history-entry.ts';
import { type EndpointState, proposeTakeOver } from '../../core/cloud/history.ts';
import { CloudError } from '../../errors.ts';
import type { SourceFacts } from '../../snapshot-source/snapshot-source.ts';
import type { CloudContext } from './context.ts';

export interface WriterIdentity {
  /**
   * Who writes, for people and from run to run the same: host and state folder, say. Another writer than the last one
   * has to say that it takes the endpoint over.
   */
  readonly writer: string;
  /** Take the endpoint over from another writer, whose transfer in flight is lost. */
  readonly takeOver?: boolean | undefined;
}

/** @throws CloudError `CLOUD_CONFLICT` when the endpoint is another writer's */
export function checkWriter(
  { history, place }: CloudContext,
  { writer, takeOver: intended }: WriterIdentity,
  { owner }: EndpointState = history.state,
): void {
  if (owner === undefined || intended === true || writerOf(owner) === writer) return;
  const since = new Date(owner.at).toISOString();
  throw new CloudError('CLOUD_CONFLICT', `${place.text} is written by ${writerOf(owner)} since ${since}`, {
    object: place.name,
    details: { writer: writerOf(owner), since },
    remedy:
      'Leave it to that writer. If it is gone for good, rebuild the VMAP here, which takes the endpoint over, or make a new baseline with take-over.',
  });
}

/** A take-over's writer without what makes each take-over an entry of its own. */
export function writerOf({ writer }: TakeOverEntry): string {
  return writer.replace(/ [0-9a-f-]{36}$/, '');
}

/** What a new endpoint says about its source for good. */
export function propertiesOf(
  { kind, id, pointersPerBlock }: SourceFacts,
  key: EncryptionKey | undefined,
): EndpointProperties {
  const properties = { sourceKind: kind, sourceId: id, pointersPerBlock };
  if (key === undefined) return properties;
  return { ...properties, encryption: { cipher: key.cipher, keyId: toHex(key.keyId) } };
}

/**
 * @param resumes the take-over whose transfer in flight is gone on with
 * @param properties to create the endpoint
 * @throws CloudError `CLOUD_CONFLICT` when the endpoint is another writer's, or somebody has taken over from `resumes`;
 * `CLOUD_ENDPOINT_ENDED`
 */
export async function takeOver(
  context: CloudContext,
  identity: WriterIdentity,
  { resumes, properties }: { readonly resumes?: TakeOverEntry | undefined; readonly properties?: EndpointProperties },
): Promise<TakeOverEntry> {
  const { env, history, layout, signal } = context;
  const request = {
    // Two take-overs by one writer in one millisecond are two entries all the same.
    writer: `${identity.writer} ${env.random.uuid()}`,
    at: env.clock.now(),
    exclusion: history.exclusion,
    objectIds: layout.objectIdsPerTakeOver,
    ...(resumes && { resumes }),
    ...(properties && { properties }),
  };
  const propose = (state: EndpointState) => {
    // Whoever came in between owns the endpoint, and a number that was lost to it is no reason to take it from there.
    checkWriter(context, identity, state);
    return proposeTakeOver(state, request);
  };
  if (properties === undefined) return await history.append(propose, { signal });
  // The key is durable before anything is encrypted with it.
  const { newKey } = context;
  const stored = await newKey?.store(history.endpointId, signal);
  try {
    return await history.append(propose, { signal });
  } catch (error) {
    if (stored === undefined || !(error instanceof CloudError) || error.code !== 'CLOUD_KEY_WRONG') throw error;
    await stored.remove();
    throw new CloudError('CLOUD_CONFLICT', `${context.place.text} was created by another writer just now`, {
      object: context.place.name,
      remedy: 'Leave it to that writer; run again to see who it is.',
      cause: error,
    });
  }
}

/** @throws CloudError `CLOUD_CONFLICT` when somebody has taken over since */
export async function checkStillOwner({ history, place, signal }: CloudContext, own: TakeOverEntry): Promise<void> {
  const { owner } = await history.refresh({ signal });
  if (owner === undefined || owner.number === own.number) return;
  throw new CloudError('CLOUD_CONFLICT', `${writerOf(owner)} took ${place.text} over from this transfer`, {
    object: place.name,
    details: { writer: writerOf(owner), entry: owner.number },
    remedy: 'Leave the endpoint to that writer; what this transfer uploaded will be collected.',
  });
}
