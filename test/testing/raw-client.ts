/** Drives the simulated ONTAP with plain requests: no client of ours between the test and the API. */
import {
  type ClusterSpec,
  type SimulatedCluster,
  SimulatedOntap,
  type SimulatedOntapOptions,
  type SimulatedVolume,
  VirtualClock,
} from '../../src/testing/index.ts';
import { RAW_USER_AGENT } from './raw-user-agent.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into JSON answers freely
export type Json = any;

export interface Answer {
  readonly cluster: SimulatedCluster;
  readonly status: number;
  readonly json: Json;
  readonly headers: Headers;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly user?: string;
  readonly password?: string;
}

export async function call(
  cluster: SimulatedCluster,
  method: string,
  path: string,
  { body, headers, user = cluster.user, password = cluster.password }: CallOptions = {},
): Promise<Answer> {
  const request = new Request(`${cluster.url}/api${path}`, {
    method,
    headers: {
      accept: 'application/json',
      authorization: `Basic ${btoa(`${user}:${password}`)}`,
      'user-agent': RAW_USER_AGENT,
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const response = await cluster.fetch(request);
  const text = await response.text();
  return {
    cluster,
    status: response.status,
    json: text === '' ? undefined : JSON.parse(text),
    headers: response.headers,
  };
}

export const MIB = 2 ** 20;

/** Two peered clusters on a virtual clock that jumps by itself; `svm1:vol1` on the first holds some files. */
export class Scene {
  readonly clock = new VirtualClock({ autoAdvance: true });
  readonly world: SimulatedOntap;
  readonly source: SimulatedCluster;
  readonly destination: SimulatedCluster;
  readonly volume: SimulatedVolume;

  constructor(options: Omit<SimulatedOntapOptions, 'clock'> & { readonly clusters?: readonly ClusterSpec[] } = {}) {
    this.world = new SimulatedOntap({ ...options, clock: this.clock });
    this.source = this.world.cluster('cluster1');
    this.destination = this.world.cluster('cluster2');
    this.volume = this.source.createVolume({ svm: 'svm1', name: 'vol1', sizeBytes: 100 * MIB });
    this.volume.write('/data/one', 0, new Uint8Array(5000).fill(1));
    this.volume.write('/data/two', 0, new TextEncoder().encode('two'));
  }

  /** The mirror's volume on the second cluster. */
  get mirror(): SimulatedVolume {
    return this.destination.volume('svm1_dr', 'vol1');
  }

  /** Calls and insists on success within the request. */
  async ok(cluster: SimulatedCluster, method: string, path: string, body?: unknown): Promise<Json> {
    const separator = path.includes('?') ? '&' : '?';
    const waits = method === 'GET' ? path : `${path}${separator}return_timeout=120`;
    const { status, json } = await call(cluster, method, waits, body === undefined ? {} : { body });
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
    return json;
  }

  /** Makes the dp volume and the relationship; returns its uuid. */
  async relate(options: { policy?: string; schedule?: string } = {}): Promise<string> {
    const { policy = 'MirrorAllSnapshots', schedule } = options;
    this.destination.createVolume({ svm: 'svm1_dr', name: 'vol1', sizeBytes: 100 * MIB, type: 'dp' });
    await this.ok(this.destination, 'POST', '/snapmirror/relationships', {
      source: { path: 'svm1:vol1' },
      destination: { path: 'svm1_dr:vol1' },
      policy: { name: policy },
      ...(schedule === undefined ? {} : { transfer_schedule: { name: schedule } }),
    });
    return (await this.ok(this.destination, 'GET', '/snapmirror/relationships')).records[0].uuid;
  }

  /** As `relate`, and initialised. */
  async mirrored(options: { policy?: string; schedule?: string } = {}): Promise<string> {
    const uuid = await this.relate(options);
    await this.ok(this.destination, 'POST', `/snapmirror/relationships/${uuid}/transfers`, {});
    await this.drained(uuid);
    return uuid;
  }

  async relationship(uuid: string): Promise<Json> {
    return this.ok(this.destination, 'GET', `/snapmirror/relationships/${uuid}`);
  }

  /** PATCH of the relationship, within the request. */
  async patch(uuid: string, body: unknown): Promise<void> {
    await this.ok(this.destination, 'PATCH', `/snapmirror/relationships/${uuid}`, body);
  }

  async update(uuid: string): Promise<void> {
    await this.ok(this.destination, 'POST', `/snapmirror/relationships/${uuid}/transfers`, {});
    await this.drained(uuid);
  }

  /** Waits until no transfer runs. */
  async drained(uuid: string): Promise<Json> {
    for (;;) {
      const record = await this.relationship(uuid);
      if (record.transfer?.state !== 'transferring') return record;
      await this.clock.sleep(1000);
    }
  }

  /** The end of the job that an answer links to. */
  async jobEnd(answer: Answer): Promise<Json> {
    const { cluster } = answer;
    if (answer.status !== 202) throw new Error(`no job: ${answer.status} ${JSON.stringify(answer.json)}`);
    for (;;) {
      const { json } = await call(cluster, 'GET', `/cluster/jobs/${answer.json.job.uuid}?fields=*`);
      if (json.state !== 'running') return json;
      await this.clock.sleep(1000);
    }
  }
}
