/** Run (layer 3): what snapshots need of objects: the level, and the slots that are pointed at, 133 bytes an object. */
import { HOLE, type Level, objectIdOf, SLOTS_PER_OBJECT, slotOf } from '../../core/cloud/block-numbers.ts';
import type { ObjectIdSet } from '../../core/cloud/object-ids.ts';

/** What is needed of one object. */
export interface ObjectNeed {
  readonly id: number;
  readonly level: Level;
  /** A bit for each slot that is pointed at. */
  readonly slots: Uint32Array;
  /** As the store lists it; 0 when it does not. */
  readonly sizeBytes: number;
}

const OBJECTS_OF_PAGE = 256;
const WORDS_OF_OBJECT = SLOTS_PER_OBJECT / 32;

interface NeedPage {
  /** 0 for an object that nobody needs, otherwise its level and 1. */
  readonly levels: Uint8Array;
  readonly slots: Uint32Array;
  readonly sizes: Uint32Array;
}

/** Of the objects with ids of a range. */
export class ObjectNeeds {
  readonly #from: number;
  readonly #end: number;
  readonly #pages = new Map<number, NeedPage>();
  #size = 0;

  constructor(from: number, end: number) {
    this.#from = from;
    this.#end = end;
  }

  get size(): number {
    return this.#size;
  }

  /** Notes that something of this level is at these PVBNs. Objects of any range are entered into `reached`. */
  add(pvbns: Float64Array, level: Level, reached: ObjectIdSet): void {
    let last = -1;
    let page: NeedPage | undefined;
    for (let at = 0; at < pvbns.length; at++) {
      const pvbn = pvbns[at] ?? HOLE;
      if (pvbn === HOLE) continue;
      const id = objectIdOf(pvbn);
      if (id !== last) {
        last = id;
        reached.add(id);
        page = id >= this.#from && id < this.#end ? this.#pageOf(id) : undefined;
        if (page !== undefined && page.levels[id % OBJECTS_OF_PAGE] === 0) {
          page.levels[id % OBJECTS_OF_PAGE] = level + 1;
          this.#size++;
        }
      }
      if (page === undefined) continue;
      const slot = slotOf(pvbn);
      const word = (id % OBJECTS_OF_PAGE) * WORDS_OF_OBJECT + (slot >>> 5);
      page.slots[word] = (page.slots[word] ?? 0) | (1 << (slot & 31));
    }
  }

  /** Ignored for an object that nobody needs. */
  setSize(id: number, sizeBytes: number): void {
    const page = this.#pages.get(Math.floor(id / OBJECTS_OF_PAGE));
    if (page !== undefined) page.sizes[id % OBJECTS_OF_PAGE] = sizeBytes;
  }

  /** By ascending id. */
  *all(): Generator<ObjectNeed, void, undefined> {
    const numbers = [...this.#pages.keys()].sort((one, other) => one - other);
    for (const number of numbers) {
      const page = this.#pageOf(number * OBJECTS_OF_PAGE);
      for (let at = 0; at < OBJECTS_OF_PAGE; at++) {
        const level = page.levels[at] ?? 0;
        if (level === 0) continue;
        yield {
          id: number * OBJECTS_OF_PAGE + at,
          level: (level - 1) as Level,
          slots: page.slots.subarray(at * WORDS_OF_OBJECT, (at + 1) * WORDS_OF_OBJECT),
          sizeBytes: page.sizes[at] ?? 0,
        };
      }
    }
  }

  #pageOf(id: number): NeedPage {
    const number = Math.floor(id / OBJECTS_OF_PAGE);
    let page = this.#pages.get(number);
    if (page === undefined) {
      const slots = new Uint32Array(OBJECTS_OF_PAGE * WORDS_OF_OBJECT);
      page = { levels: new Uint8Array(OBJECTS_OF_PAGE), slots, sizes: new Uint32Array(OBJECTS_OF_PAGE) };
      this.#pages.set(number, page);
    }
    return page;
  }
}
