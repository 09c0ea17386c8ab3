/** Core, phase 4: blocks of one level are packed into objects, in the order in which they come. */
import { InternalError } from '../../errors.ts';
import { type Level, type ObjectId, slotsPerObject } from './block-numbers.ts';
import type { ObjectContent } from './format/object.ts';
import { SHORT_DIGEST_BYTES } from './format/tools.ts';

/** How a packer packs. */
export interface PackerOptions {
  /** Slots of an object; as many as fit in 4 MiB if not given, and never more. */
  readonly slots?: number | undefined;
  /** Where the blocks of an object are gathered; whoever stored the object may use it again. Default: new memory. */
  readonly takeBuffer?: ((bytes: number) => Uint8Array) | undefined;
}

export class Packer {
  readonly level: Level;
  readonly #slotBytes: number;
  readonly #slots: number;
  readonly #takeObjectId: () => ObjectId;
  readonly #takeBuffer: (bytes: number) => Uint8Array;
  #vvbns: Float64Array;
  #blocks: Uint8Array | undefined;
  #digests: Uint8Array;
  /** Slots at the beginning whose digests are known. */
  #digested = 0;
  #filled = 0;

  /**
   * @param slotBytes see `slotBytesOf`
   * @param takeObjectId gives the next id of the writer's range; called once an object is full or flushed
   */
  constructor(level: Level, slotBytes: number, takeObjectId: () => ObjectId, options: PackerOptions = {}) {
    this.level = level;
    this.#slotBytes = slotBytes;
    this.#slots = Math.min(options.slots ?? Number.POSITIVE_INFINITY, slotsPerObject(slotBytes));
    this.#takeObjectId = takeObjectId;
    this.#takeBuffer = options.takeBuffer ?? ((bytes) => new Uint8Array(bytes));
    this.#vvbns = new Float64Array(this.#slots);
    this.#digests = new Uint8Array(this.#slots * SHORT_DIGEST_BYTES);
  }

  /** Blocks that wait for their object to be full. */
  get waiting(): number {
    return this.#filled;
  }

  /** Memory for the next blocks, as many as wanted or as still go into this object: to be filled, and added by `fill`. */
  room(wanted: number): Uint8Array {
    this.#blocks ??= this.#takeBuffer(this.#slots * this.#slotBytes);
    const count = Math.min(wanted, this.#slots - this.#filled);
    return this.#blocks.subarray(this.#filled * this.#slotBytes, (this.#filled + count) * this.#slotBytes);
  }

  /**
   * Adds the blocks that were put into `room`, and gives the object if it is full now, to be encoded, stored, and then fixed up.
   * @param digests see ObjectContent
   */
  *fill(vvbns: Float64Array, digests?: Uint8Array): Generator<ObjectContent, void, undefined> {
    if (vvbns.length > this.#slots - this.#filled) {
      throw new InternalError(`${vvbns.length} blocks of level ${this.level} are more than there was room for`);
    }
    this.#vvbns.set(vvbns, this.#filled);
    if (digests !== undefined && this.#digested === this.#filled) {
      this.#digests.set(digests, this.#filled * SHORT_DIGEST_BYTES);
      this.#digested += vvbns.length;
    }
    this.#filled += vvbns.length;
    if (this.#filled === this.#slots) yield* this.flush();
  }

  /**
   * Adds a batch and gives the objects that it filled.
   * @param blocks the content of each VVBN, one after the other
   */
  *add(vvbns: Float64Array, blocks: Uint8Array): Generator<ObjectContent, void, undefined> {
    if (blocks.length !== vvbns.length * this.#slotBytes) {
      throw new InternalError(`${vvbns.length} blocks of level ${this.level} came with ${blocks.length} bytes`);
    }
    for (let at = 0; at < vvbns.length; ) {
      const room = this.room(vvbns.length - at);
      const count = room.length / this.#slotBytes;
      room.set(blocks.subarray(at * this.#slotBytes, (at + count) * this.#slotBytes));
      yield* this.fill(vvbns.subarray(at, at + count));
      at += count;
    }
  }

  /** The last, not full object of the level; nothing when no block waits. */
  *flush(): Generator<ObjectContent, void, undefined> {
    const count = this.#filled;
    if (count === 0 || this.#blocks === undefined) return;
    const objectId = this.#takeObjectId();
    const full = count === this.#slots;
    // What is full is the caller's now, who may hand it to another thread.
    const vvbns = full ? this.#vvbns : this.#vvbns.slice(0, count);
    const blocks = full ? this.#blocks : this.#blocks.slice(0, count * this.#slotBytes);
    const digests = this.#digested === count ? this.#digests.slice(0, count * SHORT_DIGEST_BYTES) : undefined;
    if (full) {
      this.#vvbns = new Float64Array(this.#slots);
      this.#blocks = undefined;
    }
    this.#filled = 0;
    this.#digested = 0;
    const { level } = this;
    yield {
      objectId,
      generation: 0,
      level,
      slotBytes: this.#slotBytes,
      vvbns,
      blocks,
      ...(digests && { digests }),
    };
  }
}
