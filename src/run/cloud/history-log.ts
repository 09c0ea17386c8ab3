/**
 * Run (layer 3): an endpoint's history as it lies in the store: read in order, advanced by putting the next number if it
 * is absent. What may follow what is core/cloud/history's to say; who loses a number reads on and asks again.
 */
import { sameBytes } from '../../core/cloud/format/binary.ts';
import {
  decodeHistoryEntry,
  type Exclusion,
  encodeHistoryEntry,
  type HistoryEntry,
  openingOf,
} from '../../core/cloud/format/history-entry.ts';
import { HISTORY_PREFIX, historyKey, parseKey } from '../../core/cloud/format/names.ts';
import type { FormatTools } from '../../core/cloud/format/tools.ts';
import { applyEntry, type EndpointState, NO_ENDPOINT, type Proposal, type Refusal } from '../../core/cloud/history.ts';
import { CloudError, ObjectStoreError } from '../../errors.ts';
import type { ObjectStoreOptions } from '../../object-store/object-store.ts';
import { type EndpointPlace, missing } from './endpoint-place.ts';
import { inParallel } from './in-parallel.ts';

/** Entries read at a time. */
const READS_IN_FLIGHT = 16;
/** So often an entry may lose its number before somebody has to look into it. */
const MAX_LOST_NUMBERS = 100;

export class HistoryLog {
  readonly #place: EndpointPlace;
  readonly #tools: FormatTools;
  readonly #exclusion: Exclusion;
  #endpointId: Uint8Array;
  #state: EndpointState = NO_ENDPOINT;

  /**
   * @param endpointId what the endpoint is to be called in its bytes if there is none yet
   * @param exclusion what keeps other writers out where the store cannot
   */
  constructor(
    place: EndpointPlace,
    tools: FormatTools,
    endpointId: Uint8Array,
    exclusion: Exclusion = 'put-if-absent',
  ) {
    this.#place = place;
    this.#tools = tools;
    this.#endpointId = endpointId;
    this.#exclusion = exclusion;
  }

  /** What the history said when it was last read. */
  get state(): EndpointState {
    return this.#state;
  }

  get endpointId(): Uint8Array {
    return this.#endpointId;
  }

  get exclusion(): Exclusion {
    return this.#place.store.capabilities.conditionalPut ? 'put-if-absent' : this.#exclusion;
  }

  /**
   * Reads what came since.
   * @throws CloudError `CLOUD_CORRUPT` when entries are damaged, missing, or do not follow each other
   */
  async refresh(options: ObjectStoreOptions = {}): Promise<EndpointState> {
    // A long history is listed once and read with many requests at a time; then, as always, one by one to its end.
    const lastListed = this.#state.lastNumber === 0 ? await this.#readListed(options) : 0;
    for (;;) {
      const number = this.#state.lastNumber + 1;
      const bytes = await this.#place.find(historyKey(number), options);
      if (bytes !== undefined) this.#apply(number, bytes);
      else if (number > lastListed) return this.#state;
      else throw entryMissing(number, lastListed);
    }
  }

  /** Reads what is listed up to the first number that is not, and gives the last number that is. */
  async #readListed(options: ObjectStoreOptions): Promise<number> {
    const listed = new Set<number>();
    let last = 0;
    for await (const { key } of this.#place.list(HISTORY_PREFIX, options)) {
      const name = parseKey(key);
      if (name?.kind !== 'history-entry') continue;
      listed.add(name.number);
      last = Math.max(last, name.number);
    }
    let end = 1;
    while (listed.has(end)) end++;
    const stored: (Uint8Array | undefined)[] = new Array(end - 1);
    await inParallel(stored.keys(), READS_IN_FLIGHT, async (at) => {
      stored[at] = await this.#place.find(historyKey(at + 1), options);
    });
    for (const [at, bytes] of stored.entries()) {
      if (bytes === undefined) throw missing(historyKey(at + 1));
      this.#apply(at + 1, bytes);
    }
    return last;
  }

  /**
   * Puts the entry that `propose` gives for the state as it is when the entry is in.
   * @throws CloudError of the refusal; `CLOUD_STORE_UNSAFE` for a store that cannot keep a second writer out
   */
  async append<E extends HistoryEntry>(
    propose: (state: EndpointState) => Proposal<E>,
    options: ObjectStoreOptions = {},
  ): Promise<E> {
    this.checkExclusion();
    for (let lost = 0; lost < MAX_LOST_NUMBERS; lost++) {
      const proposal = propose(this.#state);
      if (!proposal.ok) throw this.refused(proposal);
      const { entry } = proposal;
      const { bytes, digest } = encodeHistoryEntry(entry, this.#endpointId, this.#tools);
      if (await this.#put(historyKey(entry.number), bytes, options)) {
        this.#state = applyEntry(this.#state, entry, digest);
        return entry;
      }
      await this.refresh(options);
    }
    throw new CloudError('CLOUD_CONFLICT', `${this.#place.text}: other writers were always faster`, {
      object: this.#place.name,
      remedy: 'Find out who else writes to this endpoint.',
    });
  }

  /** @throws CloudError `CLOUD_STORE_UNSAFE` */
  checkExclusion(): void {
    if (this.exclusion !== 'put-if-absent' || this.#place.store.capabilities.conditionalPut) return;
    throw new CloudError('CLOUD_STORE_UNSAFE', `${this.#place.store.place} cannot keep a second writer out`, {
      object: this.#place.name,
      remedy:
        'Use a store with conditional puts, or state that nobody else writes to this endpoint (only-writer, or a lock of your own).',
    });
  }

  /** A refusal of the core as the error it is. */
  refused({ code, reason, remedy }: Refusal): CloudError {
    return new CloudError(code, `${this.#place.text}: ${reason}`, { object: this.#place.name, remedy });
  }

  /** False when another entry has the number. */
  async #put(key: string, bytes: Uint8Array, options: ObjectStoreOptions): Promise<boolean> {
    if (!this.#place.store.capabilities.conditionalPut) {
      // Nobody else writes, the caller said; still, what is there is never overwritten.
      if ((await this.#place.find(key, options)) !== undefined) return false;
      await this.#place.put(key, bytes, options);
      return true;
    }
    try {
      await this.#place.put(key, bytes, { ...options, ifAbsent: true });
      return true;
    } catch (error) {
      if (!(error instanceof ObjectStoreError)) throw error;
      if (error.code === 'OBJECT_STORE_EXISTS') return false;
      // The answer may be lost and the entry be in: then it is, whoever asks.
      const there = error.retryable ? await this.#place.find(key, options).catch(() => undefined) : undefined;
      if (there !== undefined) return sameBytes(there, bytes);
      throw error;
    }
  }

  /** Encrypted from its first entry on, or never: a key is needed, or must not be given. */
  #checkKey(encrypted: boolean): void {
    if (encrypted !== (this.#tools.cipher !== undefined)) throw keyMisfit(this.#place, encrypted);
  }

  #apply(number: number, bytes: Uint8Array): void {
    let endpointId = this.#endpointId;
    if (number === 1) {
      // The first entry names the endpoint; its hash proves that it is whole.
      const opening = openingOf(bytes);
      this.#checkKey(opening.keyId !== undefined);
      ({ endpointId } = opening);
    }
    const { entry, digest } = decodeHistoryEntry(bytes, endpointId, number, this.#tools);
    this.#state = applyEntry(this.#state, entry, digest);
    this.#endpointId = endpointId;
  }
}

/** Entries were removed, or somebody put a key here that is none of ours. */
function entryMissing(number: number, last: number): CloudError {
  const key = historyKey(number);
  return new CloudError('CLOUD_OBJECT_MISSING', `${key} is not in the store, and ${historyKey(last)} is`, {
    object: key,
    remedy: `Put ${key} back from a version or copy of the bucket; if nothing but ${historyKey(last)} is beyond it, it is a stray key to remove.`,
  });
}

/** An endpoint with a key that was opened without one, or the other way round. */
export function keyMisfit(place: EndpointPlace, encrypted: boolean): CloudError {
  const message = encrypted ? 'is encrypted, and no key was given' : 'is not encrypted, and a key was given';
  return new CloudError('CLOUD_KEY_WRONG', `${place.text} ${message}`, {
    object: place.name,
    remedy: encrypted
      ? 'Give a passphrase or key that opens the endpoint.'
      : 'Leave the key out, or use an endpoint of its own.',
  });
}
