/** What fails around a failover without being part of it: peers that are not told, journals, listeners, locks, calls that are ended. */
import { describe, expect, it } from 'vitest';
import { SECOND, type Stage } from '../../scenarios/harness.ts';
import { threeClusters } from './pair-stage.ts';

const yes = { acknowledge: () => true } as const;
const whole = { source: 'east' } as const;

const asksForPeers = ({ url }: Request) => new URL(url).pathname.endsWith('/svm/peers');

/** Beside the mirrors of `east`, its target holds one of another SVM, so that it is asked for its peers. */
async function stageWithStranger(): Promise<Stage> {
  const stage = await threeClusters({ volumes: ['vol1'] });
  stage.write(stage.east.createVolume({ svm: 'svm2', name: 'other', sizeBytes: 100 * 2 ** 20 }));
  const peering = { svm: { name: 'svm2' }, peer: { svm: { name: 'svm1_dr' }, cluster: { name: 'cluster2' } } };
  await stage.raw(stage.east, 'POST', '/svm/peers', { ...peering, applications: ['snapmirror'] });
  const pending = (await stage.read(stage.west, '/svm/peers?fields=*')).find(({ state }) => state !== 'peered');
  if (pending !== undefined) await stage.raw(stage.west, 'PATCH', `/svm/peers/${pending['uuid']}`, { state: 'peered' });
  await stage.raw(stage.west, 'POST', '/snapmirror/relationships', {
    source: { path: 'svm2:other' },
    destination: { path: 'svm1_dr:other' },
    create_destination: { enabled: true },
  });
  return stage;
}

describe('peers that a target does not tell', () => {
  it('are no reason not to fail over, nor for housekeeping to end', async () => {
    await using stage = await stageWithStranger();
    stage.east.kill();
    let asked = 0;
    stage.intercept = async (request, send) => {
      if (!asksForPeers(request)) return send(request);
      asked++;
      throw new TypeError('fetch failed');
    };
    const report = await stage.dataMotion.failover({ ...whole, target: 'west' }, yes);
    expect(report.volumes).toMatchObject([{ volume: 'vol1', outcome: 'done' }]);
    expect(asked).toBeGreaterThan(0);
    const stop = new AbortController();
    const onEvent = ({ kind }: { kind: string }) => {
      if (kind === 'round-ended') stop.abort();
    };
    await stage.dataMotion.keepHouse('east', { stop: stop.signal, onEvent });
  });

  it('are waited for no longer than a cluster that may be dead', async () => {
    await using stage = await stageWithStranger();
    stage.east.kill();
    stage.intercept = async (request, send) => {
      if (asksForPeers(request)) await stage.clock.sleep(70 * SECOND);
      return send(request);
    };
    const before = stage.clock.now();
    const plan = await stage.dataMotion.planFailover({ ...whole, target: 'west' }, { contactTimeoutMs: SECOND });
    expect(plan.volumes).toMatchObject([{ volume: 'vol1', authority: 'source' }]);
    expect(stage.clock.now() - before).toBeLessThan(5 * SECOND);
  });
});
