/** Rules and holds of an endpoint through the engine: kept in the store, planned, carried out. */
import { describe, expect, it } from 'vitest';
import { FaultyObjectStore } from '../../../src/testing/faulty-object-store.ts';
import { blocks, look, Rig } from './rig.ts';

async function written(...labels: readonly string[]): Promise<Rig> {
  const rig = new Rig();
  rig.volume.create('/a');
  for (const [at, label] of labels.entries()) {
    rig.volume.write('/a', 0, blocks(at + 1));
    rig.snapshot(`${label}${at + 1}`);
    await rig.backup({ label });
  }
  return rig;
}

const namesOf = async ({ store }: Rig) => (await look(store)).history.snapshots.map(({ name }) => name);

describe('the rules of an endpoint', () => {
  it('lie in the endpoint: another machine plans and forgets by them', async () => {
    const rig = await written('d', 'd', 'w', 'd', 'd');
    await rig.endpoint.setRetention([{ label: 'd', count: 2 }]);
    const other = new Rig({ store: rig.store, writer: 'host-b' }).endpoint;
    const plan = await other.retention();
    expect(plan.rules).toEqual([{ label: 'd', count: 2 }]);
    expect(plan.decisions.map(({ name, keep }) => [name, keep])).toEqual([
      ['d1', false],
      ['d2', false],
      ['w3', true],
      ['d4', true],
      ['d5', true],
    ]);
    expect(await namesOf(rig)).toHaveLength(5);
    expect(await other.applyRetention()).toEqual(plan);
    expect(await namesOf(rig)).toEqual(['w3', 'd4', 'd5']);
    await other.collect();
    expect(await other.verify({ readData: true })).toMatchObject({ problems: [] });
  });

  it('set or applied once more change nothing, and leave no entry behind', async () => {
    const rig = await written('d', 'd', 'd');
    const rules = [{ label: 'd', count: 1 }];
    await rig.endpoint.setRetention(rules);
    await rig.endpoint.applyRetention();
    const { lastNumber } = (await look(rig.store)).history;
    await rig.endpoint.setRetention(rules);
    await rig.endpoint.applyRetention();
    expect((await look(rig.store)).history.lastNumber).toBe(lastNumber);
  });

  it('applied without any rule forget nothing', async () => {
    const rig = await written('d', 'd');
    expect((await rig.endpoint.applyRetention()).rules).toEqual([]);
    expect(await namesOf(rig)).toEqual(['d1', 'd2']);
  });

  it('that cannot be are refused, and so are those of an endpoint that is not there', async () => {
    const rig = await written('d');
    const twice = [
      { label: 'd', count: 1 },
      { label: 'd', count: 2 },
    ];
    await expect(rig.endpoint.setRetention(twice)).rejects.toMatchObject({ code: 'CLOUD_RETENTION_INVALID' });
    await expect(new Rig().endpoint.setRetention([])).rejects.toMatchObject({ code: 'CLOUD_ENDPOINT_UNKNOWN' });
  });
});

describe('a hold on a snapshot', () => {
  it('keeps it from every way of forgetting, on every machine, until it is let go', async () => {
    const rig = await written('d', 'd', 'd');
    await rig.endpoint.setRetention([{ label: 'd', count: 1 }]);
    await rig.endpoint.hold({ snapshots: ['d1'] });
    const other = new Rig({ store: rig.store }).endpoint;
    await expect(other.forget({ snapshots: ['d1'] })).rejects.toMatchObject({ code: 'CLOUD_SNAPSHOT_HELD' });
    await expect(other.forget({ snapshots: ['d1', 'd2', 'd3'], sequel: 'end' })).rejects.toMatchObject({
      code: 'CLOUD_SNAPSHOT_HELD',
    });
    await other.applyRetention();
    expect(await namesOf(rig)).toEqual(['d1', 'd3']);
    expect((await other.list()).snapshots.map(({ name, held }) => [name, held])).toEqual([
      ['d1', true],
      ['d3', false],
    ]);
    await other.hold({ snapshots: ['d1'], held: false });
    await rig.endpoint.applyRetention();
    expect(await namesOf(rig)).toEqual(['d3']);
    await expect(other.hold({ snapshots: ['d1'] })).rejects.toMatchObject({ code: 'CLOUD_SNAPSHOT_UNKNOWN' });
  });

  it('that comes between the plan and its entry counts', async () => {
    const rig = await written('d', 'd', 'd');
    await rig.endpoint.setRetention([{ label: 'd', count: 1 }]);
    const slow = new FaultyObjectStore(rig.store);
    const put = slow.put.bind(slow);
    let late = true;
    slow.put = async (key, body, options) => {
      if (late) {
        late = false;
        await rig.endpoint.hold({ snapshots: ['d1'] });
      }
      await put(key, body, options);
    };
    const plan = await new Rig({ store: slow }).endpoint.applyRetention();
    expect(plan.decisions.find(({ name }) => name === 'd1')).toMatchObject({ keep: true, reason: 'held' });
    expect(await namesOf(rig)).toEqual(['d1', 'd3']);
  });
});
