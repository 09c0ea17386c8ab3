/**
 * Run (layer 3): everything that must hold before one backend can be replicated to another, in one verdict. Reads only. What is
 * found is told, never thrown; a check that fails hides no other, and one that cannot be made says why.
 */
import type { Readiness, ReadinessCheck, ReadinessCheckName } from '../core/readiness.ts';
import { licenceProblem, shortages, verdict } from '../core/readiness.ts';
import { ConfigError, DataMotionError, OntapError } from '../errors.ts';
import type { Aggregate, ClusterFacts, OntapSvm, Policy, Relationship, SvmPeer, Volume } from '../ontap/ontap-svm.ts';
import type { MirrorContext } from './mirror/context.ts';
import { collect } from './mirror/context.ts';
import { isIn } from './mirror/observe.ts';
import {
  isUsable,
  peeringsOf,
  requirePolicy,
  requirePolicyForStyle,
  requireRelease,
  requireSchedule,
  requireSvm,
} from './mirror/preflight.ts';

/** What is to be replicated, and how. */
export interface ReadinessOptions {
  /** Source volumes by name; undefined = those that `isPool` takes. */
  readonly volumes?: readonly string[] | undefined;
  readonly isPool: (volume: string) => boolean;
  readonly policy: string;
  readonly transferSchedule: string | undefined;
  /** Aggregates at the destination; throws ConfigError naming all that are not mapped. */
  readonly destinationAggregates: (sourceAggregates: readonly string[]) => readonly string[];
}

/**
 * (Cinder: validate_no_conflicting_snapmirrors and the prechecks; its look at the source saw no mirror to another cluster,
 * defect 29.)
 * @param context the two backends; its pair names no single volume
 */
export async function checkReadiness(context: MirrorContext, options: ReadinessOptions): Promise<Readiness> {
  const { source, destination } = context;
  const checks: ReadinessCheck[] = [];
  const check = checker(context, checks);

  const [from, to] = await Promise.all([end(check, context, source), end(check, context, destination)]);
  const ends = [from.svm, to.svm];
  const volumesHere = once(() => collect(source.volumes({ signal: context.signal })));
  const volumesThere = once(() => collect(destination.volumes({ signal: context.signal })));
  const filter = { destination: { svm: destination.svm } };
  const mirrorsThere = once(() => collect(destination.relationships(filter, { signal: context.signal })));

  const placing = async () => {
    const volumes = await check('source-volumes', source, [from.svm], async () =>
      sourceVolumes(source, await volumesHere(), options),
    );
    const found = volumes.value ?? [];
    const map = await check('aggregate-map', source, [volumes], async () => mapped(found, options));
    const aggregates = await check('aggregates', destination, [to.svm, map], async () =>
      placesFor(map.value ?? new Map(), await destination.aggregates({ signal: context.signal })),
    );
    await Promise.all([
      check('space', destination, [to.svm, map, aggregates], async () => {
        const existing = new Set((await volumesThere()).map(({ name }) => name));
        const missing = found.filter(({ name }) => !existing.has(name));
        return room(missing, map.value ?? new Map(), aggregates.value ?? []);
      }),
      check('conflicts', destination, [to.svm, volumes], async () =>
        takenByOthers(context, found, await mirrorsThere()),
      ),
      check('conflicts', source, [...ends, volumes], () => mirroredByOthers(context, found)),
      check('destination-volumes', destination, [to.svm, volumes], async () =>
        wrongTypes(destination, found, await volumesThere(), await mirrorsThere()),
      ),
    ]);
    return volumes;
  };
  const rules = async () => {
    const policy = await check('policy', destination, [to.svm], async () => {
      const found = await requirePolicy(context, options.policy);
      return holds(`${found.name}, ${found.kind}`, found);
    });
    await check('schedule', destination, [policy], async () => {
      if (policy.value === undefined) throw new TypeError('a needed check has a value');
      const schedule = await requireSchedule(context, policy.value, options.transferSchedule);
      const own = policy.value.transferSchedule;
      return holds(schedule ?? (own === undefined ? 'none needed' : `${own}, of the policy`), schedule ?? '');
    });
    return policy;
  };
  const suited = async () => {
    const [volumes, policy] = await Promise.all([placing(), rules()]);
    await Promise.all([
      licences(check, context, source, from, policy),
      licences(check, context, destination, to, policy),
    ]);
    const all = (volumes.value ?? []).filter(({ style }) => style === 'flexgroup');
    if (all.length === 0) return;
    await check('policy', source, [policy], async () => {
      for (const group of all) if (policy.value !== undefined) requirePolicyForStyle(context, policy.value, group);
      return holds(`suits ${all.length} FlexGroups`, true);
    });
  };
  await Promise.all([
    suited(),
    ...peering(check, context, source, destination, from, to),
    ...peering(check, context, destination, source, to, from),
  ]);
  return verdict(source.backend, destination.backend, checks);
}

// ---- one check

type Found<T> =
  | { readonly ok: true; readonly detail: string; readonly value: T }
  /** `value`, where there is one all the same, lets the checks that build on it be made. */
  | { readonly ok: false; readonly detail: string; readonly remedy: string; readonly value?: T }
  | { readonly ok: 'skipped'; readonly detail: string };

const holds = <T>(detail: string, value: T): Found<T> => ({ ok: true, detail, value });

/** `value` is there when what builds on the check can be checked. */
interface Checked<T> {
  readonly name: string;
  readonly backend: string;
  readonly value: T | undefined;
}

type Check = <T>(
  name: ReadinessCheckName,
  on: OntapSvm,
  needs: readonly Checked<unknown>[],
  find: () => Promise<Found<T>>,
) => Promise<Checked<T>>;

function checker(context: MirrorContext, checks: ReadinessCheck[]): Check {
  return async (name, { backend }, needs, find) => {
    const missing = needs.find(({ value }) => value === undefined);
    if (missing !== undefined) {
      const detail = `not checked: needs ${missing.name} of ${missing.backend}`;
      checks.push({ name, backend, ok: false, skipped: true, detail });
      return { name, backend, value: undefined };
    }
    try {
      const found = await find();
      const remedy = found.ok === false ? found.remedy : undefined;
      checks.push({
        name,
        backend,
        ok: found.ok === true,
        skipped: found.ok === 'skipped',
        detail: found.detail,
        remedy,
      });
      return { name, backend, value: found.ok === 'skipped' ? undefined : found.value };
    } catch (error) {
      context.signal.throwIfAborted();
      checks.push({ name, backend, ok: false, ...findingOf(name, error) });
      return { name, backend, value: undefined };
    }
  };
}

/** Accounts of an SVM may not ask for what belongs to the cluster: that says nothing against the pair. */
const CLUSTER_MATTERS: ReadonlySet<ReadinessCheckName> = new Set(['licences', 'cluster-peers', 'aggregates']);

function findingOf(name: ReadinessCheckName, error: unknown): Omit<ReadinessCheck, 'name' | 'backend' | 'ok'> {
  if (!(error instanceof DataMotionError)) throw error;
  const { message, remedy, code } = error;
  if (!(error instanceof OntapError)) return { skipped: false, detail: message, remedy, code };
  const { ontapCode, ontapMessage } = error;
  const facts = { code, ontapCode, ontapMessage };
  if (CLUSTER_MATTERS.has(name) && (code === 'ONTAP_DENIED' || code === 'ONTAP_TOO_OLD')) {
    return { skipped: true, detail: `not checked: the account may not ask for it (${message})`, ...facts };
  }
  return { skipped: false, detail: message, remedy: remedy ?? REMEDIES[code], ...facts };
}

const REMEDIES: Readonly<Record<string, string>> = {
  ONTAP_UNREACHABLE: 'check the address and port of the backend, and that its management interface is up',
  ONTAP_TLS: 'trust the certificate of the cluster, or correct the host name (netapp_ca_certificate_file)',
  ONTAP_UNAUTHENTICATED: 'correct the user and the password, or the certificate, of the backend',
  ONTAP_DENIED: 'give the account a role that allows this call',
};
const SEE_MESSAGE = 'see what ONTAP says';

// ---- the two ends

interface End {
  readonly facts: Checked<ClusterFacts>;
  readonly svm: Checked<string>;
}

/** Reachable, credentials and release are three findings of one question. */
async function end(check: Check, context: MirrorContext, svm: OntapSvm): Promise<End> {
  const { signal } = context;
  const asked = once(() => svm.clusterFacts({ signal }));
  await check('reachable', svm, [], async () => {
    try {
      await asked();
    } catch (error) {
      if (error instanceof ConfigError)
        return { ok: 'skipped', detail: 'not checked: there are no credentials to ask with' };
      if (!isAboutCredentials(error)) throw error;
    }
    return holds(`${svm.cluster} answers`, true);
  });
  await check('credentials', svm, [], async () => {
    try {
      await asked();
    } catch (error) {
      if (isAboutCredentials(error)) throw error;
      return { ok: 'skipped', detail: `not checked: needs reachable of ${svm.backend}` };
    }
    return holds('accepted', true);
  });
  const known = await asked().then(
    (facts) => facts,
    () => undefined,
  );
  const answered = { name: 'reachable and credentials', backend: svm.backend, value: known };
  const facts = await check('release', svm, [answered], async () => {
    const found = await requireRelease(svm, signal);
    return holds(`${found.name} runs ${found.generation}.${found.major}.${found.minor}`, found);
  });
  const found = await check('svm', svm, [facts], async () => {
    const state = await requireSvm(svm, signal);
    if (state === 'running' || state === 'unknown') return holds(`${svm.svm} is ${state}`, state);
    return { ok: false, detail: `SVM ${svm.svm} is ${state}`, remedy: `start SVM ${svm.svm}`, value: state };
  });
  return { facts, svm: found };
}

/** Both ends need theirs. A policy that is not known counts as asynchronous. */
function licences(
  check: Check,
  { signal }: MirrorContext,
  svm: OntapSvm,
  { facts }: End,
  policy: Checked<Policy>,
): Promise<unknown> {
  return check('licences', svm, [facts], async () => {
    const synchronous = policy.value !== undefined && policy.value.kind !== 'async';
    const problem = licenceProblem(await svm.licences({ signal }), synchronous);
    if (problem === undefined) return holds(synchronous ? 'snapmirror, snapmirror_sync' : 'snapmirror', true);
    if (problem === 'unknown') return { ok: 'skipped', detail: 'not checked: the cluster lists no licences' };
    return { ok: false, detail: problem, remedy: `install the licence on ${facts.value?.name ?? svm.cluster}` };
  });
}

function isAboutCredentials(error: unknown): boolean {
  if (error instanceof ConfigError) return true;
  return error instanceof OntapError && (error.code === 'ONTAP_UNAUTHENTICATED' || error.code === 'ONTAP_DENIED');
}

function peering(
  check: Check,
  context: MirrorContext,
  near: OntapSvm,
  far: OntapSvm,
  here: End,
  there: End,
): readonly Promise<unknown>[] {
  const { signal } = context;
  const [ours, theirs] = [here.facts.value, there.facts.value];
  const clusters = check('cluster-peers', near, [here.facts, there.facts], async () => {
    if (ours === undefined || theirs === undefined || ours.uuid === theirs.uuid) return holds('one cluster', true);
    const peers = await near.clusterPeers({ signal });
    const peer = peers.find(({ name, remoteName }) => (remoteName ?? name) === theirs.name);
    if (peer === undefined) {
      const detail = `${ours.name} has no cluster peer ${theirs.name}`;
      return { ok: false, detail, remedy: `peer ${ours.name} and ${theirs.name}, on both` };
    }
    if (peer.state === undefined || peer.state === 'available') return holds(`${theirs.name} is available`, true);
    const remedy = `check the intercluster interfaces of ${ours.name} and ${theirs.name}`;
    return { ok: false, detail: `the peering with ${theirs.name} is ${peer.state}`, remedy };
  });
  const svms = check('svm-peers', near, [here.svm, there.svm], async () => {
    if (ours === undefined || theirs === undefined) return { ok: 'skipped', detail: 'not checked' };
    if (ours.uuid === theirs.uuid && near.svm === far.svm) return holds('one SVM', true);
    const between = peeringsOf(await near.svmPeers({ signal }), near, far, theirs);
    const usable = between.find((peer) => isUsable(peer));
    if (usable !== undefined) return holds(`${usable.alias}, for ${usable.applications.join(', ')}`, true);
    return { ok: false, ...unusable(near, far, between[0]) };
  });
  return [clusters, svms];
}

function unusable(near: OntapSvm, far: OntapSvm, peer: SvmPeer | undefined): { detail: string; remedy: string } {
  const pair = `${near.svm} and ${far.svm}`;
  const remedy = 'peer the two SVMs for snapmirror on both clusters (createSvmPeer; `datamotion peer`)';
  if (peer === undefined) return { detail: `SVMs ${pair} are not peered`, remedy };
  if (peer.state !== 'peered') return { detail: `the peering of ${pair} is ${peer.state}`, remedy };
  return { detail: `the peering of ${pair} is for ${peer.applications.join(', ') || 'nothing'} only`, remedy };
}

// ---- volumes and where they go

function sourceVolumes(
  source: OntapSvm,
  all: readonly Volume[],
  { volumes, isPool }: ReadinessOptions,
): Found<readonly Volume[]> {
  const known = new Map(all.map((volume) => [volume.name, volume]));
  const wanted = volumes ?? all.filter(({ type, name }) => type === 'rw' && isPool(name)).map(({ name }) => name);
  const problems: string[] = [];
  const usable: Volume[] = [];
  for (const name of wanted) {
    const volume = known.get(name);
    const problem = volume === undefined ? 'is not there' : unfit(volume);
    if (problem !== undefined) problems.push(`${name} ${problem}`);
    else if (volume !== undefined) usable.push(volume);
  }
  if (problems.length > 0) {
    const detail = `of SVM ${source.svm}: ${problems.join('; ')}`;
    return { ok: false, detail, remedy: 'correct the names, or leave these volumes out', value: usable };
  }
  if (wanted.length === 0) {
    const remedy = 'check the pattern of pool names (netapp_pool_name_search_pattern)';
    return { ok: false, detail: `SVM ${source.svm} has no volume to replicate`, remedy, value: [] };
  }
  return holds(`${usable.length} to replicate`, usable);
}

function unfit({ type, state }: Volume): string | undefined {
  if (type === 'ls') return 'is a load-sharing mirror';
  return state === 'online' ? undefined : `is ${state}`;
}

/** Volume -> the aggregates that it goes to: one of a FlexVol. */
type Places = ReadonlyMap<string, readonly string[]>;

function mapped(volumes: readonly Volume[], options: ReadinessOptions): Found<Places> {
  const places = new Map<string, readonly string[]>();
  for (const { name, style, aggregates } of volumes) {
    try {
      const all = [...new Set(options.destinationAggregates(aggregates))];
      places.set(name, style === 'flexgroup' ? all : all.slice(0, 1));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
    }
  }
  try {
    options.destinationAggregates([...new Set(volumes.flatMap(({ aggregates }) => aggregates))]);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ok: false, detail: error.message, remedy: error.remedy ?? SEE_MESSAGE, value: places };
  }
  return holds('complete', places);
}

function placesFor(places: Places, aggregates: readonly Aggregate[]): Found<readonly Aggregate[]> {
  const wanted = [...new Set([...places.values()].flat())];
  const problems = wanted.flatMap((name) => {
    const found = aggregates.find((aggregate) => aggregate.name === name);
    if (found === undefined) return [`there is no aggregate ${name}`];
    return found.state === undefined || found.state === 'online' ? [] : [`aggregate ${name} is ${found.state}`];
  });
  if (problems.length === 0) return holds(wanted.join(', ') || 'none needed', aggregates);
  const there = aggregates.map(({ name }) => name).join(', ');
  const remedy = `correct the aggregate map; the cluster has ${there || 'none'}`;
  return { ok: false, detail: problems.join('; '), remedy, value: aggregates };
}

function room(missing: readonly Volume[], places: Places, aggregates: readonly Aggregate[]): Found<true> {
  const available = new Map<string, number>();
  for (const { name, availableBytes } of aggregates) {
    if (availableBytes !== undefined) available.set(name, availableBytes);
  }
  const placed = missing.flatMap((volume) => {
    const { name, sizeBytes, usedBytes, guarantee } = volume;
    const over = places.get(name) ?? [];
    const share = (bytes: number) => Math.ceil(bytes / over.length);
    const used = usedBytes === undefined ? undefined : share(usedBytes);
    return over.map((aggregate) => ({ aggregate, sizeBytes: share(sizeBytes), usedBytes: used, guarantee }));
  });
  const short = shortages(placed, available);
  if (short.length === 0) return holds(`enough for ${missing.length} new volumes`, true);
  const detail = short
    .map((one) => `${one.aggregate} needs ${one.neededBytes} bytes and has ${one.availableBytes}`)
    .join('; ');
  return { ok: false, detail, remedy: 'make room, map to another aggregate, or thin-provision the sources' };
}

// ---- others

/** Destination volumes of ours that are the destination of another source. */
async function takenByOthers(
  context: MirrorContext,
  volumes: readonly Volume[],
  mirrors: readonly Relationship[],
): Promise<Found<true>> {
  const { source, destination } = context;
  const wanted = new Set(volumes.map(({ name }) => name));
  const taken: string[] = [];
  for (const { source: from, destination: to } of mirrors) {
    if (to.volume === undefined || !wanted.has(to.volume)) continue;
    const isOurs =
      from.volume === to.volume && (await isIn(from, source, destination, context.peersOf, context.signal));
    if (!isOurs) taken.push(`${to.path} mirrors ${from.path}`);
  }
  if (taken.length === 0) return holds('none', true);
  return { ok: false, detail: taken.join('; '), remedy: 'delete those relationships, or leave these volumes out' };
}

/** Sources of ours that somebody mirrors into the same SVM under another name. Mirrors elsewhere are told, no more. */
async function mirroredByOthers(context: MirrorContext, volumes: readonly Volume[]): Promise<Found<true>> {
  const { source, destination, signal } = context;
  const wanted = new Set(volumes.map(({ name }) => name));
  const twice: string[] = [];
  const elsewhere: string[] = [];
  for (const { source: from, destination: to } of await collect(
    source.knownDestinations({ source: { svm: source.svm } }, { signal }),
  )) {
    if (from.volume === undefined || !wanted.has(from.volume)) continue;
    const here = await isIn(to, destination, source, context.peersOf, signal);
    if (!here) elsewhere.push(`${from.volume} to ${to.path}`);
    else if (to.volume !== from.volume) twice.push(`${from.path} is mirrored to ${to.path}`);
  }
  if (twice.length > 0) {
    return { ok: false, detail: twice.join('; '), remedy: 'delete those relationships, or leave these volumes out' };
  }
  return holds(elsewhere.length === 0 ? 'none' : `none; also mirrored: ${elsewhere.join(', ')}`, true);
}

/** A volume of our name that is no destination, and not one that was broken off either. */
function wrongTypes(
  destination: OntapSvm,
  volumes: readonly Volume[],
  existing: readonly Volume[],
  mirrors: readonly Relationship[],
): Found<true> {
  const wanted = new Set(volumes.map(({ name }) => name));
  const mirrored = new Set(mirrors.map((mirror) => mirror.destination.volume));
  const there = existing.filter(({ name }) => wanted.has(name));
  const wrong = there.filter(({ name, type }) => type !== 'dp' && !mirrored.has(name));
  if (wrong.length === 0) return holds(`${there.length} there already`, true);
  const detail = wrong.map(({ name, type }) => `${destination.svm}:${name} is of type ${type}, not dp`).join('; ');
  return { ok: false, detail, remedy: 'delete or rename these volumes, or leave their sources out' };
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= read();
    return asked;
  };
}
