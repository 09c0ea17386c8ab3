import { expect, it } from 'vitest';
import { systemEnv } from '../../../src/env.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import { EndpointPlace } from '../../../src/run/cloud/endpoint-place.ts';
import { readHolds, withHold } from '../../../src/run/cloud/hold.ts';
import { VirtualClock } from '../../../src/testing/clock.ts';
import { FaultyObjectStore } from '../../../src/testing/faulty-object-store.ts';

const HOUR = 3_600_000;

it('a hold outlives a renewal that failed, and ends a day after its reader died', async () => {
  const clock = new VirtualClock();
  const store = new FaultyObjectStore(new MemoryObjectStore());
  const place = new EndpointPlace(store, 'vol1');
  const context = { env: systemEnv({ clock }), place, signal: new AbortController().signal };
  let finish = () => {};
  const reading = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const running = withHold(context, [7], () => reading);
  await new Promise((resolve) => setImmediate(resolve));
  store.addFault({ kind: 'fails', when: 'before', code: 'OBJECT_STORE_UNAVAILABLE', method: 'put', times: 1 });
  for (let hour = 0; hour < 30; hour++) await clock.advance(HOUR);
  expect((await readHolds(context)).snapshotIds).toEqual([7]);

  // A reader that died renews nothing.
  const died = new EndpointPlace(store, 'vol2');
  await withHold({ ...context, place: died }, [8], async () => {
    const keys: [string, Uint8Array][] = [];
    for await (const { key } of died.list('holds/')) keys.push([key, await died.get(key)]);
    for (const [key, bytes] of keys) await died.put(key.replace('holds/8.', 'holds/8.dead-'), bytes);
  });
  expect((await readHolds({ ...context, place: died })).snapshotIds).toEqual([8]);
  await clock.advance(25 * HOUR);
  expect(await readHolds({ ...context, place: died })).toMatchObject({
    snapshotIds: [],
    voidKeys: [expect.stringContaining('dead')],
  });
  finish();
  await running;
});
