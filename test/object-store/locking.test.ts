/** What the contract does not say of locks that are kept beside the objects. */
import { describe, expect, it } from 'vitest';
import { locking } from '../../src/object-store/locking.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';

const text = (content: string) => new TextEncoder().encode(content);
const clock = { now: () => 1000, sleep: async () => {} };

describe('locks that are kept beside the objects', () => {
  it('keep a locked object from being replaced, and a conditional put finds that it exists', async () => {
    const store = locking(new MemoryObjectStore(), { clock });
    await store.put('a', text('1'));
    await store.locks?.lock('a', 5000);
    await expect(store.put('a', text('2'))).rejects.toMatchObject({
      code: 'OBJECT_STORE_LOCKED',
      details: { lockedUntil: 5000 },
    });
    await expect(store.put('a', text('2'), { ifAbsent: true })).rejects.toMatchObject({ code: 'OBJECT_STORE_EXISTS' });
    expect(await store.get('a')).toEqual(text('1'));
  });

  it('are no objects of the store: nobody lists, reads or writes them', async () => {
    const memory = new MemoryObjectStore();
    const store = locking(memory, { clock });
    await store.put('a', text('1'));
    await store.locks?.lock('a', 5000);
    const listed: string[] = [];
    for await (const { key } of store.list('')) listed.push(key);
    expect(listed).toEqual(['a']);
    for (const act of [
      () => store.get('.locks/a'),
      () => store.put('.locks/a', text('0')),
      () => store.delete('.locks/a'),
    ]) {
      await expect(act()).rejects.toMatchObject({ code: 'OBJECT_STORE_INVALID_KEY' });
    }
    // One that was damaged locks for good.
    await memory.put('.locks/a', text('not a number'));
    await expect(store.delete('a')).rejects.toMatchObject({ code: 'OBJECT_STORE_LOCKED' });
  });
});
