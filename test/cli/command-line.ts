/** Runs `datamotion` in this process, as the process around it would, and catches what it writes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommandLine } from '../../src/cli/program.ts';
import type { SimulatedOntap } from '../../src/testing/index.ts';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The one document of `--json`. */
  json(): unknown;
}

export async function datamotion(
  argv: readonly string[],
  options: { readonly env?: Record<string, string>; readonly signal?: AbortSignal } = {},
): Promise<Ran> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const exitCode = await runCommandLine(
    argv,
    {
      stdout: stream('stdout'),
      stderr: stream('stderr'),
      env: options.env ?? {},
      signal: options.signal ?? new AbortController().signal,
    },
    '0.0.0-test',
  );
  return { exitCode, ...written, json: () => JSON.parse(written.stdout) };
}

/** A folder that is gone at the end of the scope. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'datamotion-'));

  file(name: string, content: string): string {
    const path = join(this.path, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A cinder.conf for the two clusters of the default world, with `east` mirrored to `west`. */
export function cinderConf(
  world: SimulatedOntap,
  changes: {
    readonly east?: readonly string[];
    readonly west?: readonly string[];
    readonly passwords?: boolean;
    readonly map?: string;
  } = {},
): string {
  const section = (name: string, cluster: number, svm: string, lines: readonly string[]) => {
    const at = world.clusters[cluster];
    if (at === undefined) throw new Error('no such cluster');
    const { hostname, port, protocol } = new URL(at.url);
    return [
      `[${name}]`,
      'volume_driver = cinder.volume.drivers.netapp.common.NetAppDriver',
      'netapp_storage_protocol = nfs',
      `netapp_vserver = ${svm}`,
      `netapp_server_hostname = ${hostname}`,
      `netapp_server_port = ${port}`,
      `netapp_transport_type = ${protocol.replace(':', '')}`,
      `netapp_login = ${at.user}`,
      ...(changes.passwords === false ? [] : [`netapp_password = ${at.password}`]),
      ...lines,
      '',
    ].join('\n');
  };
  const map = changes.map ?? 'aggr1:aggr1,aggr2:aggr2';
  return [
    '[DEFAULT]\nenabled_backends = east\n',
    section('east', 0, 'svm1', [
      'replication_device = backend_id:west',
      `netapp_replication_aggregate_map = backend_id:west,${map}`,
      ...(changes.east ?? []),
    ]),
    section('west', 1, 'svm1_dr', changes.west ?? []),
  ].join('\n');
}
