/** Core, phase 4: blocks of one level are packed into objects, in the order in which they come. */
import { InternalError } from '../../errors.ts';
import { type Level, type ObjectId, slotsPerObject } from './block-numbers.ts';
import type { ObjectContent } from './format/object.ts';

export class Packer {
  readonly level: Level;
  readonly #slotBytes: number;
  readonly #slots: number;
  readonly #takeObjectId: () => ObjectId;
  #vvbns: Float64Array;
  #blocks: Uint8Array;
  #filled = 0;

  /**
   * @param slotBytes see `slotBytesOf`
   * @param takeObjectId gives the next id of the writer's range; called once an object is full or flushed
   * @param slots of an object; as many as fit in 4 MiB if not given, and never more
   */
  constructor(level: Level, slotBytes: number, takeObjectId: () => ObjectId, slots = Number.POSITIVE_INFINITY) {
    this.level = level;
    this.#slotBytes = slotBytes;
    this.#slots = Math.min(slots, slotsPerObject(slotBytes));
    this.#takeObjectId = takeObjectId;
    this.#vvbns = new Float64Array(this.#slots);
    this.#blocks = new Uint8Array(this.#slots * slotBytes);
  }

  /** Blocks that wait for their object to be full. */
  get waiting(): number {
    return this.#filled;
  }

  /**
   * Adds a batch and gives the objects that it filled, to be encoded, stored, and then fixed up.
   * @param blocks the content of each VVBN, one after the other
   */
  *add(vvbns: Float64Array, blocks: Uint8Array): Generator<ObjectContent, void, undefined> {
    if (blocks.length !== vvbns.length * this.#slotBytes) {
      throw new InternalError(`${vvbns.length} blocks of level ${this.level} came with ${blocks.length} bytes`);
    }
    for (let at = 0; at < vvbns.length; ) {
      const count = Math.min(vvbns.length - at, this.#slots - this.#filled);
      this.#vvbns.set(vvbns.subarray(at, at + count), this.#filled);
      this.#blocks.set(
        blocks.subarray(at * this.#slotBytes, (at + count) * this.#slotBytes),
        this.#filled * this.#slotBytes,
      );
      this.#filled += count;
      at += count;
      if (this.#filled === this.#slots) yield* this.flush();
    }
  }

  /** The last, not full object of the level; nothing when no block waits. */
  *flush(): Generator<ObjectContent, void, undefined> {
    if (this.#filled === 0) return;
    const objectId = this.#takeObjectId();
    const full = this.#filled === this.#slots;
    const vvbns = full ? this.#vvbns : this.#vvbns.slice(0, this.#filled);
    const blocks = full ? this.#blocks : this.#blocks.slice(0, this.#filled * this.#slotBytes);
    this.#filled = 0;
    if (full) {
      // The object is the caller's now: it may be on its way to another thread.
      this.#vvbns = new Float64Array(this.#slots);
      this.#blocks = new Uint8Array(this.#slots * this.#slotBytes);
    }
    const { level } = this;
    yield { objectId, generation: 0, level, slotBytes: this.#slotBytes, vvbns, blocks };
  }
}
