import { describe, expect, it } from 'vitest';
import type { SvmPeerApplication } from '../../src/ontap/ontap-svm.ts';
import { failure, MIB, nativeConfiguration, Stage, type StageOptions } from '../scenarios/harness.ts';

const BACKENDS = { source: 'east', target: 'west' };

/** Backends on SVMs that nobody has peered. */
const UNPEERED: StageOptions = {
  world: {
    clusters: [
      { name: 'cluster1', svms: ['svm1', 'svm2'] },
      { name: 'cluster2', svms: ['svm1_dr', 'svm2_dr'] },
    ],
  },
  east: { svm: 'svm2' },
  west: { svm: 'svm2_dr' },
};

const halves = async (stage: Stage) => {
  const fields = 'fields=svm.name,peer,state,applications';
  const [ours, theirs] = [
    await stage.read(stage.east, `/svm/peers?${fields}`),
    await stage.read(stage.west, `/svm/peers?${fields}`),
  ];
  return [ours.find(({ svm }) => svm.name === 'svm2'), theirs.find(({ svm }) => svm.name === 'svm2_dr')];
};

describe('peering two SVMs', () => {
  it('defect 14: names the peer, accepts it on the other side, waits until both are peered, and is usable then', async () => {
    await using stage = await Stage.open(UNPEERED);
    stage.east.createVolume({ svm: 'svm2', name: 'vol1', sizeBytes: 40 * MIB });
    expect(await failure(() => stage.dataMotion.createSnapmirror(stage.pair))).toMatchObject({
      code: 'MIRROR_SVMS_NOT_PEERED',
    });
    const bodies: unknown[] = [];
    stage.intercept = async (request, send) => {
      if (request.method === 'POST') bodies.push(await request.clone().json());
      return send(request);
    };
    const peered = await stage.dataMotion.createSvmPeer(BACKENDS);
    expect(peered).toMatchObject({
      actions: ['create-peering', 'accept-peering'],
      source: { state: 'peered', localSvm: 'svm2', peerSvm: 'svm2_dr', applications: ['snapmirror'] },
      destination: { state: 'peered', localSvm: 'svm2_dr', peerSvm: 'svm2' },
    });
    expect(bodies).toEqual([
      {
        svm: { name: 'svm2' },
        peer: { svm: { name: 'svm2_dr' }, cluster: { name: 'cluster2' } },
        applications: ['snapmirror'],
      },
    ]);
    await stage.mirrored();
    const changes = stage.changes.length;
    expect((await stage.dataMotion.createSvmPeer(BACKENDS)).actions).toEqual([]);
    expect(stage.changes).toHaveLength(changes);
  });

  it('adds applications to a peering and takes none away', async () => {
    await using stage = await Stage.open(UNPEERED);
    stage.world.peerSvms({ cluster: 'cluster1', svm: 'svm2' }, { cluster: 'cluster2', svm: 'svm2_dr' }, ['flexcache']);
    const extended = await stage.dataMotion.createSvmPeer(BACKENDS, { applications: ['snapmirror', 'file_copy'] });
    expect(extended.actions).toContain('extend-applications');
    for (const half of await halves(stage)) {
      expect([...half.applications].sort()).toEqual(['file_copy', 'flexcache', 'snapmirror']);
    }
  });

  it.each(['east', 'west'] as const)('takes up what was proposed on %s and never accepted', async (proposer) => {
    await using stage = await Stage.open(UNPEERED);
    const [near, far, cluster] =
      proposer === 'east' ? ['svm2', 'svm2_dr', 'cluster2'] : (['svm2_dr', 'svm2', 'cluster1'] as const);
    await stage.raw(stage[proposer], 'POST', '/svm/peers', {
      svm: { name: near },
      peer: { svm: { name: far }, cluster: { name: cluster } },
      applications: ['snapmirror'],
    });
    const peered = await stage.dataMotion.createSvmPeer(BACKENDS);
    expect(peered.actions).toEqual(['accept-peering']);
    expect((await halves(stage)).map(({ state }) => state)).toEqual(['peered', 'peered']);
  });

  it('within one cluster needs no acceptance', async () => {
    await using stage = await Stage.open({
      configuration: (world) => {
        const native = nativeConfiguration(world);
        const { east } = native.backends;
        const { targets, ...west } = east;
        return { ...native, backends: { east, west: { ...west, svm: 'svm2' } } };
      },
    });
    expect(await stage.dataMotion.createSvmPeer(BACKENDS)).toMatchObject({
      actions: ['create-peering'],
      source: { state: 'peered' },
      destination: { state: 'peered' },
    });
  });

  it('where the name of the peer is taken gets a local one, which verbs know it by', async () => {
    await using stage = await Stage.open({
      world: {
        clusters: [
          { name: 'cluster1', svms: ['other', 'data'] },
          { name: 'cluster2', svms: ['another', 'data'] },
        ],
      },
      east: { svm: 'data' },
      west: { svm: 'data' },
    });
    const peered = await stage.dataMotion.createSvmPeer(BACKENDS);
    expect(peered).toMatchObject({ source: { alias: 'data.1', peerSvm: 'data' }, destination: { peerSvm: 'data' } });
    stage.east.createVolume({ svm: 'data', name: 'vol1', sizeBytes: 40 * MIB });
    await stage.mirrored();
    expect(await stage.dataMotion.getSnapmirrors(BACKENDS)).toHaveLength(1);
  });

  it.each(['suspended', 'rejected'])('a peering that somebody %s is left alone, with what to do', async (state) => {
    await using stage = await Stage.open(UNPEERED);
    if (state === 'suspended') {
      stage.world.peerSvms({ cluster: 'cluster1', svm: 'svm2' }, { cluster: 'cluster2', svm: 'svm2_dr' });
    } else {
      await stage.raw(stage.east, 'POST', '/svm/peers', {
        svm: { name: 'svm2' },
        peer: { svm: { name: 'svm2_dr' }, cluster: { name: 'cluster2' } },
        applications: ['snapmirror'],
      });
    }
    const [, theirs] = await halves(stage);
    await stage.raw(stage.west, 'PATCH', `/svm/peers/${theirs.uuid}`, { state });
    const changes = stage.changes.length;
    const error = await failure(() => stage.dataMotion.createSvmPeer(BACKENDS));
    expect(error).toMatchObject({ code: 'MIRROR_SVMS_NOT_PEERED', remedy: expect.any(String) });
    expect(error.message).toContain(state);
    expect(stage.changes).toHaveLength(changes);
  });

  it('what ONTAP refuses keeps its code: lun_copy between clusters', async () => {
    await using stage = await Stage.open(UNPEERED);
    const applications: readonly SvmPeerApplication[] = ['lun_copy'];
    expect(await failure(() => stage.dataMotion.createSvmPeer(BACKENDS, { applications }))).toMatchObject({
      code: 'ONTAP_REJECTED',
      ontapCode: '9895996',
    });
  });

  it('cut off at any of its requests and called again, it ends the same', async () => {
    for (let at = 0; ; at++) {
      await using stage = await Stage.open(UNPEERED);
      const caller = new AbortController();
      let count = 0;
      stage.intercept = async (request, send) => {
        const response = await send(request);
        if (count++ === at) caller.abort();
        return response;
      };
      const result: unknown = await stage.dataMotion
        .createSvmPeer(BACKENDS, { signal: caller.signal })
        .catch((error: unknown) => error);
      stage.intercept = (request, send) => send(request);
      await stage.dataMotion.createSvmPeer(BACKENDS);
      expect((await halves(stage)).map(({ state }) => state)).toEqual(['peered', 'peered']);
      if (!(result instanceof Error)) break;
    }
  });
});
