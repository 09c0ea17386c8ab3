/** Two clusters over HTTP with mirrored volumes, for the commands of failover, failback and drill. */
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { scaledClock } from '../../src/cli/commands/simulate.ts';
import { systemClock } from '../../src/env.ts';
import { SimulatedOntap, type SimulatedVolume } from '../../src/testing/index.ts';
import { call } from '../testing/raw-client.ts';
import { cinderConf, datamotion, Folder, type Ran } from './command-line.ts';

/** Simulated seconds a real one: what the library waits for is there when it looks. */
const SPEED = 100;

export class FailoverStage implements AsyncDisposable {
  readonly world = new SimulatedOntap({ clock: scaledClock(systemClock, SPEED) });
  readonly folder = new Folder();
  config = '';

  /** `volumes` of `east`, mounted, with content, mirrored to `west`. */
  static async open(volumes: readonly string[] = ['vol1', 'vol2']): Promise<FailoverStage> {
    const stage = new FailoverStage();
    await stage.world.listen();
    await mkdir(join(stage.folder.path, 'var/lib'), { recursive: true });
    for (const hook of ['stop-db', 'start-db', 'check-clone']) {
      const script = stage.folder.file(hook, `#!/bin/sh\necho ${hook} >> ${join(stage.folder.path, 'hooks')}\n`);
      await chmod(script, 0o700);
    }
    stage.config = stage.folder.file('cinder.conf', cinderConf(stage.world));
    for (const name of volumes) {
      const spec = { svm: 'svm1', name, sizeBytes: 2 ** 26, junctionPath: `/${name}` };
      stage.world
        .cluster('cluster1')
        .createVolume(spec)
        .write('/file', 0, new Uint8Array(2 ** 16).fill(7));
    }
    const { exitCode, stderr } = await stage.run('ensure', '--wait');
    if (exitCode !== 0) throw new Error(stderr);
    return stage;
  }

  /** A command on `east`. */
  run(command: string, ...options: readonly string[]): Promise<Ran> {
    return datamotion([command, '--config', this.config, '--backend', 'east', ...options]);
  }

  source(name: string): SimulatedVolume {
    return this.world.cluster('cluster1').volume('svm1', name);
  }

  target(name: string): SimulatedVolume {
    return this.world.cluster('cluster2').volume('svm1_dr', name);
  }

  /** Names of the page's own hooks in the folder, in the order of their calls. */
  hooks(): readonly string[] {
    const log = join(this.folder.path, 'hooks');
    return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  }

  /** Names, sorted; without the root volume. */
  volumesAtTarget(): readonly string[] {
    const names = this.world.cluster('cluster2').volumes.map(({ name }) => name);
    return names.filter((name) => !name.endsWith('_root')).toSorted();
  }

  /** As somebody makes one by hand, of the newest snapshot. */
  async cloneAtTarget(parent: string, name: string): Promise<void> {
    const cluster = this.world.cluster('cluster2');
    const body = {
      name,
      svm: { name: 'svm1_dr' },
      clone: {
        is_flexclone: true,
        parent_volume: { name: parent },
        parent_snapshot: { name: this.target(parent).snapshots().at(-1) },
      },
    };
    const { status } = await call(cluster, 'POST', '/storage/volumes', { body });
    if (status !== 202) throw new Error(`${status}`);
    while (!this.volumesAtTarget().includes(name)) await systemClock.sleep(20);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world.close();
    this.folder[Symbol.dispose]();
  }
}
