/**
 * What Cinder's driver asks of ONTAP to protect one more FlexVol (create_snapmirror, create_destination_flexvol and the REST client below
 * them), request by request, one after the other, with its 5-second poll for the new volume. Only the calls are reproduced, not the code.
 */
import type { Clock } from '../src/env.ts';
import type { SimulatedOntap } from '../src/testing/index.ts';

const ONLINE_POLL_MS = 5_000;
const JOB_POLL_MS = 2_000;

export async function protectAsCinder(world: SimulatedOntap, clock: Clock, volume: string): Promise<void> {
  const [source, destination] = [new Session(world, 'cluster1', 'svm1'), new Session(world, 'cluster2', 'svm1_dr')];
  const lookup = `/storage/volumes/?type=rw&style=flex*&is_svm_root=false&error_state.is_inconsistent=false&state=online&name=${volume}`;
  const provisioning = async () => {
    await source.get(
      `${lookup}&fields=aggregates.name,name,svm.name,nas.path,type,guarantee.honored,guarantee.type,space.snapshot.reserve_percent,space.size,qos.policy.name,snapshot_policy,language,style`,
    );
    await source.get(
      `/storage/volumes?efficiency.volume_path=/vol/${volume}&fields=efficiency.state,efficiency.compression`,
    );
  };
  const byPath = `source.path=svm1:${volume}&destination.path=svm1_dr:${volume}`;
  const mirrors = `/snapmirror/relationships?fields=state,source.svm.name,source.path,destination.svm.name,destination.path,transfer.state,transfer.end_time,lag_time,healthy,uuid&${byPath}`;

  // A client logs in anew for every verb: release, name and nodes.
  for (const session of [source, destination]) await session.login();
  await provisioning();
  await destination.get(`/storage/volumes/?name=${volume}&return_records=false`);
  for (const session of [source, destination]) await session.login();
  await provisioning();
  await source.get(`/storage/volumes/?encryption.enabled=true&name=${volume}&svm.name=svm1&return_records=false`);
  await destination.send('POST', '/storage/volumes/', {
    name: volume,
    size: 1024 ** 3,
    type: 'dp',
    style: 'flexvol',
    aggregates: [{ name: 'aggr1' }],
    guarantee: { type: 'none' },
    space: { snapshot: { reserve_percent: '5' } },
  });
  for (let online = false; !online; ) {
    await clock.sleep(ONLINE_POLL_MS);
    const { records = [] } = await destination.get(`/storage/volumes/?name=${volume}&fields=state`);
    online = records[0]?.state === 'online';
  }
  await destination.get(mirrors);
  const created = await destination.send('POST', '/snapmirror/relationships/', {
    source: { path: `svm1:${volume}` },
    destination: { path: `svm1_dr:${volume}` },
    policy: { name: 'MirrorAllSnapshots' },
  });
  if (created.job !== undefined) {
    for (let done = false; !done; ) {
      const { state } = await destination.get(`/cluster/jobs/${created.job.uuid}?fields=*`, false);
      done = state === 'success';
      if (!done) await clock.sleep(JOB_POLL_MS);
    }
  }
  const { records = [] } = await destination.get(mirrors);
  await destination.send('PATCH', `/snapmirror/relationships/${records[0]?.uuid}`, { state: 'snapmirrored' });
}

const QUIESCE_POLL_MS = 5_000;
const BREAK_RETRY_MS = 2_000;

/**
 * What the driver asks to fail a backend over to one target (_complete_failover: update_snapmirrors, then break_snapmirrors with
 * quiesce_then_abort and the mount): 17 requests a volume at least, one after the other, with its 5-second poll for the drain.
 */
export async function failoverAsCinder(world: SimulatedOntap, clock: Clock, volumes: readonly string[]): Promise<void> {
  const destination = new Session(world, 'cluster2', 'svm1_dr');
  const found = (volume: string) =>
    destination.get(
      `/snapmirror/relationships?fields=state,source.svm.name,source.path,destination.svm.name,destination.path,transfer.state,transfer.end_time,lag_time,healthy,uuid&source.path=svm1:${volume}&destination.path=svm1_dr:${volume}`,
    );
  const uuidOf = async (volume: string) => (await found(volume)).records?.[0]?.uuid;
  const followed = async ({ job }: Answer) => {
    for (let state = 'running'; job !== undefined && state !== 'success'; ) {
      state = (await destination.get(`/cluster/jobs/${job.uuid}?fields=*`, false)).state ?? '';
      if (state !== 'success') await clock.sleep(JOB_POLL_MS);
    }
  };
  for (const volume of volumes) {
    await destination.login();
    const path = `/snapmirror/relationships/${await uuidOf(volume)}/transfers`;
    // A transfer runs already: the error is swallowed.
    await destination.send('POST', path, {}).catch(() => {});
  }
  for (const volume of volumes) {
    await destination.login();
    const mirror = `/snapmirror/relationships/${await uuidOf(volume)}`;
    await followed(await destination.send('PATCH', mirror, { state: 'paused' }));
    for (let drained = false; !drained; ) {
      const [record] = (await found(volume)).records ?? [];
      drained = record?.state === 'paused' && !['transferring', 'queued'].includes(record.transfer?.state ?? '');
      if (!drained) await clock.sleep(QUIESCE_POLL_MS);
    }
    await destination.login();
    for (let ready = false; !ready; ) {
      ready = (await found(volume)).records?.[0]?.transfer?.state === 'success';
      if (!ready) await clock.sleep(BREAK_RETRY_MS);
    }
    await followed(await destination.send('PATCH', mirror, { state: 'broken_off' }));
    const { records = [] } = await destination.get(`/storage/volumes/?name=${volume}&fields=uuid`);
    await destination.send('PATCH', `/storage/volumes/${records[0]?.uuid}`, { nas: { path: `/${volume}` } });
  }
}

interface Answer {
  readonly records?: readonly {
    readonly uuid?: string;
    readonly state?: string;
    readonly transfer?: { readonly state?: string };
  }[];
  readonly state?: string;
  readonly job?: { readonly uuid: string };
}

/** One client of Cinder's: tunnelled into its SVM unless a call goes without. */
class Session {
  readonly #world: SimulatedOntap;
  readonly #cluster: string;
  readonly #svm: string;

  constructor(world: SimulatedOntap, cluster: string, svm: string) {
    this.#world = world;
    this.#cluster = cluster;
    this.#svm = svm;
  }

  async login(): Promise<void> {
    await this.get('/cluster/?fields=version', false);
    await this.get('/cluster?fields=name', false);
  }

  get(path: string, tunnelled = true): Promise<Answer> {
    return this.send('GET', path, undefined, tunnelled);
  }

  async send(method: string, path: string, body?: object, tunnelled = true): Promise<Answer> {
    const cluster = this.#world.cluster(this.#cluster);
    const credentials = Buffer.from(`${cluster.user}:${cluster.password}`).toString('base64');
    const paged = method === 'GET' ? `${path}${path.includes('?') ? '&' : '?'}max_records=10000` : path;
    const response = await cluster.fetch(
      new Request(`${cluster.url}/api${paged}`, {
        method,
        headers: {
          authorization: `Basic ${credentials}`,
          'content-type': 'application/json',
          ...(tunnelled ? { 'x-dot-svm-name': this.#svm } : {}),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
    const answer = (await response.json()) as Answer;
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  }
}
