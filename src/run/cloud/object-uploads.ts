/**
 * Run (layer 3): objects on their way into the store. Several are encoded and written at a time, no more than a bound;
 * each is entered in the journal, durably, before it counts as stored: from then on no crash makes it be sent again.
 */
import type { Level } from '../../core/cloud/block-numbers.ts';
import { putNumbers, takeNumbers } from '../../core/cloud/format/binary.ts';
import { objectKey } from '../../core/cloud/format/names.ts';
import type { ObjectContent } from '../../core/cloud/format/object.ts';
import { CloudError, ObjectStoreError } from '../../errors.ts';
import type { ObjectBody } from '../../object-store/object-store.ts';
import type { Journal, StateOptions } from '../../state/state.ts';
import type { EndpointPlace } from './endpoint-place.ts';

/** What is left to do for an object that is durable: to give its blocks their PVBNs. */
export interface StoredObject {
  readonly objectId: number;
  readonly level: Level;
  readonly vvbns: Float64Array;
  readonly bytes: number;
}

export interface UploadOptions {
  readonly encode: (content: ObjectContent) => Promise<Uint8Array>;
  readonly journal: TransferJournal;
  /** Objects that are being encoded or written at a time: what bounds the memory. */
  readonly objectsInFlight: number;
  readonly signal: AbortSignal;
}

export class ObjectUploads {
  readonly #place: EndpointPlace;
  readonly #options: UploadOptions;
  readonly #running = new Set<Promise<void>>();
  /** Memory of objects that are stored, for the next ones. */
  #buffers: Uint8Array[] = [];
  #stored: StoredObject[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(place: EndpointPlace, options: UploadOptions) {
    this.#place = place;
    this.#options = options;
  }

  /** Memory for the blocks of an object. Shared, so that no thread needs a copy; it is used again once the object is encoded. */
  takeBuffer(bytes: number): Uint8Array {
    const buffer = this.#buffers.pop();
    if (buffer?.length === bytes) return buffer;
    this.#buffers = [];
    return new Uint8Array(new SharedArrayBuffer(bytes));
  }

  /** Takes an object over as soon as there is room. @throws what an earlier one failed with */
  async submit(content: ObjectContent): Promise<void> {
    while (this.#failure === undefined && this.#running.size >= this.#options.objectsInFlight) {
      await Promise.race(this.#running);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    const upload = this.#upload(content)
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(upload));
    this.#running.add(upload);
  }

  /** Those that became durable since the last call. */
  takeStored(): StoredObject[] {
    const stored = this.#stored;
    this.#stored = [];
    return stored;
  }

  /** Resolves when none is on its way. @throws what one of them failed with */
  async drain(): Promise<void> {
    await this.settled();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Resolves when none is on its way any more, however they ended. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #upload(content: ObjectContent): Promise<void> {
    const { encode, journal, signal } = this.#options;
    const { objectId, level, vvbns } = content;
    const body = await encode(content);
    if (content.blocks.buffer instanceof SharedArrayBuffer) this.#buffers.push(content.blocks);
    signal.throwIfAborted();
    await putOnce(this.#place, objectKey(objectId), body, signal);
    const stored = { objectId, level, vvbns, bytes: body.length };
    await journal.add(stored);
    this.#stored.push(stored);
  }
}

/**
 * Puts what nobody else can have put: ids are given once. Where the store can, it is made sure of, for a writer that was
 * copied while it ran (a virtual machine restored from a snapshot) has the same ids as its copy.
 * @throws CloudError `CLOUD_CONFLICT`
 */
export async function putOnce(place: EndpointPlace, key: string, body: ObjectBody, signal: AbortSignal): Promise<void> {
  const ifAbsent = place.store.capabilities.conditionalPut;
  try {
    await place.put(key, body, { signal, ifAbsent });
  } catch (cause) {
    if (!(cause instanceof ObjectStoreError) || cause.code !== 'OBJECT_STORE_EXISTS') throw cause;
    throw new CloudError('CLOUD_CONFLICT', `${place.text} has ${key} already: a copy of this writer put it`, {
      object: key,
      remedy: 'Run the backup again; it takes the endpoint over and gets ids of its own.',
      cause,
    });
  }
}

/** Which objects of a transfer are in the store since its last checkpoint. Entries made at the same time share a sync. */
export class TransferJournal {
  readonly #journal: Journal;
  /** Number of the take-over with which the transfer began; entries of other transfers are not its own. */
  readonly #transfer: number;
  #waiting: Uint8Array[] = [];
  #next: Promise<void> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(journal: Journal, transfer: number) {
    this.#journal = journal;
    this.#transfer = transfer;
  }

  /** Resolves once the entry is durable. */
  add({ objectId, level, bytes, vvbns }: StoredObject): Promise<void> {
    const numbers = new Float64Array(HEAD_NUMBERS + vvbns.length);
    numbers.set([this.#transfer, objectId, level, bytes]);
    numbers.set(vvbns, HEAD_NUMBERS);
    const record = new Uint8Array(8 * numbers.length);
    putNumbers(numbers, record, 0);
    this.#waiting.push(record);
    this.#next ??= this.#last.then(() => this.#write());
    return this.#next;
  }

  async *entries(options: StateOptions = {}): AsyncGenerator<StoredObject, void, undefined> {
    for await (const record of this.#journal.records(options)) {
      const numbers = takeNumbers(record, 0, record.length / 8);
      const [transfer = 0, objectId = 0, level = 0, bytes = 0] = numbers;
      if (transfer === this.#transfer)
        yield { objectId, level: level as Level, bytes, vvbns: numbers.slice(HEAD_NUMBERS) };
    }
  }

  reset(options: StateOptions = {}): Promise<void> {
    return this.#journal.reset(options);
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  async #write(): Promise<void> {
    const records = this.#waiting;
    this.#waiting = [];
    this.#last = this.#next ?? this.#last;
    this.#next = undefined;
    await this.#journal.append(records);
    await this.#journal.sync();
  }
}

const HEAD_NUMBERS = 4;
