/** Run (layer 3): what the clusters show of a backend and its targets. Reads only; a side that does not answer is a fact, not an error. */

import { isDrillClone } from '../../core/failover/drill-plan.ts';
import type { MirrorFacts, PairFacts, SideFacts, VolumeFacts } from '../../core/failover/facts.ts';
import { markIn } from '../../core/failover/mark.ts';
import { backendOf, isPoolName } from '../../core/replication/targets.ts';
import { OntapError } from '../../errors.ts';
import type { OntapSvm, Relationship, Volume } from '../../ontap/ontap-svm.ts';
import { collect } from '../mirror/context.ts';
import { isIn, policyKindOf } from '../mirror/observe.ts';
import { requireCluster } from '../mirror/preflight.ts';
import { type Route, ranOutOfTime, within } from './world.ts';

/** All that one SVM shows, or why it shows nothing. */
export interface SvmView {
  readonly answers: boolean;
  readonly silence?: string | undefined;
  readonly volumes: ReadonlyMap<string, Volume>;
  /** Relationships whose destination is there. */
  readonly relationships: readonly Relationship[];
}

/** One listing of volumes and one of relationships. */
export async function viewOf(route: Route, svm: OntapSvm): Promise<SvmView> {
  const read = async (signal: AbortSignal): Promise<SvmView> => {
    await requireCluster(svm, signal);
    const [volumes, relationships] = await Promise.all([
      collect(svm.volumes({ signal })),
      collect(svm.relationships({ destination: { svm: svm.svm } }, { signal })),
    ]);
    return { answers: true, volumes: new Map(volumes.map((volume) => [volume.name, volume])), relationships };
  };
  return orSilent(route, `look at ${svm.backend}`, read, (silence) => ({
    answers: false,
    silence,
    volumes: new Map(),
    relationships: [],
  }));
}

/** Whatever a cluster that may be dead says or does not say within the contact timeout. */
async function orSilent<T>(
  route: Route,
  attempted: string,
  read: (signal: AbortSignal) => Promise<T>,
  silent: (why: string) => T,
): Promise<T> {
  try {
    return await within(route, route.contactTimeoutMs, attempted, read);
  } catch (error) {
    route.signal.throwIfAborted();
    if (error instanceof OntapError) return silent(error.message);
    if (ranOutOfTime(error)) return silent(`no answer within ${Math.round(route.contactTimeoutMs / 1000)} s`);
    throw error;
  }
}

/** Both sides of a route, asked at the same time. */
export interface RouteView {
  readonly route: Route;
  readonly source: SvmView;
  readonly target: SvmView;
}

/** The pair of each of these source volumes. */
export function pairsIn(view: RouteView, volumes: readonly string[]): Promise<readonly PairFacts[]> {
  return Promise.all(volumes.map((volume) => pairIn(view, volume)));
}

async function pairIn({ route, source, target }: RouteView, volume: string): Promise<PairFacts> {
  const forward = await ours(route, 'forward', target.relationships, volume);
  const destinationVolume = forward?.destination.volume ?? volume;
  const reverse = await ours(route, 'reverse', source.relationships, volume, destinationVolume);
  const sides = {
    source: sideOf(route.source, volume, source, source.volumes.get(volume)),
    target: sideOf(route.target, destinationVolume, target, target.volumes.get(destinationVolume)),
  };
  const stranger =
    forward === undefined
      ? target.relationships.find((one) => one.destination.volume === destinationVolume)
      : undefined;
  const strange =
    reverse === undefined ? source.relationships.find((one) => one.destination.volume === volume) : undefined;
  const conflict = conflictText(route, stranger, strange);
  return factsOf(volume, sides, forward, reverse, conflict);
}

function conflictText(
  route: Route,
  atTarget: Relationship | undefined,
  atSource: Relationship | undefined,
): string | undefined {
  if (atTarget !== undefined) {
    return `at ${route.target} ${atTarget.destination.path} is the mirror of ${atTarget.source.path}`;
  }
  if (atSource !== undefined) {
    return `at ${route.source} ${atSource.destination.path} is the mirror of ${atSource.source.path}`;
  }
  return undefined;
}

/** The relationship of the pair among those that a side shows. */
async function ours(
  route: Route,
  direction: 'forward' | 'reverse',
  relationships: readonly Relationship[],
  volume: string,
  destinationVolume?: string,
): Promise<Relationship | undefined> {
  const [from, to] = direction === 'forward' ? [route.sourceSvm, route.targetSvm] : [route.targetSvm, route.sourceSvm];
  const wanted = direction === 'forward' ? volume : destinationVolume;
  for (const one of relationships) {
    if (one.source.volume !== wanted) continue;
    if (direction === 'reverse' && one.destination.volume !== volume) continue;
    if (await isIn(one.source, from, to, route.peersSeen, route.signal)) return one;
  }
  return undefined;
}

/** What is seen of one volume now: four look-ups, which come together with those of other volumes. */
export async function lookAtPair(
  route: Route,
  volume: string,
  destinationVolume: string,
  asks: { readonly source: boolean; readonly target: boolean },
): Promise<PairFacts> {
  const [source, target] = await Promise.all([
    asks.source ? glance(route, route.sourceSvm, volume) : notAsked,
    asks.target ? glance(route, route.targetSvm, destinationVolume) : notAsked,
  ]);
  return pairIn({ route, source, target }, volume);
}

const notAsked: SvmView = {
  answers: false,
  silence: 'it did not answer before',
  volumes: new Map(),
  relationships: [],
};

async function glance(route: Route, svm: OntapSvm, name: string): Promise<SvmView> {
  const read = async (signal: AbortSignal): Promise<SvmView> => {
    const [volume, relationships] = await Promise.all([
      svm.volume(name, { signal }),
      collect(svm.relationships({ destination: { svm: svm.svm, volume: name } }, { signal })),
    ]);
    return { answers: true, volumes: new Map(volume === undefined ? [] : [[name, volume]]), relationships };
  };
  return orSilent(route, `look at ${svm.backend}:${name}`, read, (silence) => ({ ...notAsked, silence }));
}

/** Source volumes that a selection without names means: the pools that are there, and those that only their mirrors remember. */
export async function volumesInScope(views: readonly RouteView[]): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const { route, source, target } of views) {
    const backend = backendOf(route.world.configuration, route.source);
    const add = (name: string | undefined) => {
      if (name !== undefined && isPoolName(backend, name) && !isDrillClone(name)) names.add(name);
    };
    for (const { name, type, style, cloneOf } of source.volumes.values()) {
      if (type === 'rw' && style !== 'flexgroup_constituent' && cloneOf === undefined) add(name);
    }
    for (const one of target.relationships) {
      if (await isIn(one.source, route.sourceSvm, route.targetSvm, route.peersSeen, route.signal))
        add(one.source.volume);
    }
    for (const one of source.relationships) {
      if (await isIn(one.source, route.targetSvm, route.sourceSvm, route.peersSeen, route.signal)) {
        add(one.destination.volume);
      }
    }
  }
  return [...names].toSorted();
}

function sideOf(backend: string, volume: string, view: SvmView, found: Volume | undefined): SideFacts {
  return {
    backend,
    volume,
    answers: view.answers,
    ...(view.silence === undefined ? {} : { silence: view.silence }),
    ...(found === undefined ? {} : { found: volumeFacts(found) }),
  };
}

function volumeFacts({ uuid, type, state, junctionPath, comment }: Volume): VolumeFacts {
  const mark = markIn(comment);
  return {
    uuid,
    type,
    state,
    ...(junctionPath === undefined ? {} : { junctionPath }),
    ...(comment === undefined ? {} : { comment }),
    ...(mark === undefined ? {} : { mark }),
  };
}

function factsOf(
  volume: string,
  sides: { readonly source: SideFacts; readonly target: SideFacts },
  forward: Relationship | undefined,
  reverse: Relationship | undefined,
  conflict: string | undefined,
): PairFacts {
  return {
    volume,
    ...sides,
    ...(forward === undefined ? {} : { forward: mirrorFacts(forward) }),
    ...(reverse === undefined ? {} : { reverse: mirrorFacts(reverse) }),
    ...(conflict === undefined ? {} : { conflict }),
  };
}

export function mirrorFacts(relationship: Relationship): MirrorFacts {
  const { uuid, state, transfer, healthy, unhealthyReasons, lagSeconds, exportedSnapshot, policy } = relationship;
  const unhealthy = unhealthyReasons.map(({ message }) => message).join('; ');
  return {
    uuid,
    state,
    transfer: transfer?.state ?? 'none',
    kind: policyKindOf(relationship),
    ...(healthy === undefined ? {} : { healthy }),
    ...(unhealthy === '' ? {} : { unhealthy }),
    ...(lagSeconds === undefined ? {} : { lagSeconds }),
    ...(exportedSnapshot === undefined ? {} : { exportedSnapshot }),
    ...(policy === undefined ? {} : { policy: policy.name }),
    ...(relationship.transferSchedule === undefined ? {} : { transferSchedule: relationship.transferSchedule }),
  };
}
