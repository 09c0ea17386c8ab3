import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SimulatedOntap } from '../../src/testing/index.ts';
import { cinderConf, datamotion, Folder } from './command-line.ts';

describe('the command ready', () => {
  const world = new SimulatedOntap();
  const folder = new Folder();
  let files = 0;
  const config = (changes: Parameters<typeof cinderConf>[1] = {}) =>
    folder.file(`${++files}.conf`, cinderConf(world, changes));

  beforeAll(async () => {
    await world.listen();
    world.cluster('cluster1').createVolume({ svm: 'svm1', name: 'vol1', sizeBytes: 2 ** 20 });
  });
  afterAll(async () => {
    await world.close();
    folder[Symbol.dispose]();
  });

  it('prints every check and ends with 0 when all hold', async () => {
    const ran = await datamotion(['ready', '--config', config(), '--backend', 'east']);
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout).toMatch(/^east -> west: ready/);
    expect(ran.stdout).toMatch(/svm-peers .* west .* ok .* svm1, for snapmirror/);
  });

  it('ends with 1 and says what to do when one does not', async () => {
    const file = config({ map: 'aggr1:nosuch,aggr2:aggr2', east: ['netapp_replication_policy = Asynchronous'] });
    const ran = await datamotion(['ready', '--config', file, '--backend', 'east', '--target', 'west']);
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toMatch(/^east -> west: NOT ready/);
    expect(ran.stdout).toMatch(/aggregates .* west .* FAILED .* there is no aggregate nosuch/);
    expect(ran.stdout).toContain('what to do: correct the aggregate map');
    const json = await datamotion(['ready', '--config', file, '--backend', 'east', '--json']);
    expect(json.exitCode).toBe(1);
    expect(json.json()).toMatchObject({
      ready: false,
      targets: [{ source: 'east', target: 'west', ready: false, checks: expect.any(Array) }],
    });
  });

  it('keeps the code and the words of ONTAP', async () => {
    const file = config({ west: ['netapp_password = wrong'], passwords: false, east: ['netapp_password = simulated'] });
    const ran = await datamotion(['ready', '--config', file, '--backend', 'east']);
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toMatch(/credentials of west: ONTAP says 6: /);
  });
});
