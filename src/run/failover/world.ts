/** Run (layer 3): what planning and applying work with: the configuration, the clusters, the pairs between them. */
import type { ReplicationConfiguration } from '../../core/replication/configuration.ts';
import { backendOf, replicationBackendNames, targetOf } from '../../core/replication/targets.ts';
import { type CallOptions, type Env, underDeadline } from '../../env.ts';
import { InterruptedError, OntapError } from '../../errors.ts';
import type { OntapSvm, SvmPeer } from '../../ontap/ontap-svm.ts';
import { coalescing } from '../mirror/coalescing-svm.ts';
import type { MirrorContext, MirrorProgress, MirrorTiming } from '../mirror/context.ts';

/** What the facade supplies. */
export interface FailoverWorld {
  readonly env: Env;
  readonly configuration: ReplicationConfiguration;
  readonly svmOf: (backend: string) => OntapSvm;
  readonly timingOf: (backend: string) => MirrorTiming;
  readonly peersReader: (signal: AbortSignal) => (svm: OntapSvm) => Promise<readonly SvmPeer[]>;
}

/** One call's view of a backend and one of its targets. */
export interface Route {
  readonly world: FailoverWorld;
  /** Names as the configuration spells them. */
  readonly source: string;
  readonly target: string;
  readonly sourceSvm: OntapSvm;
  readonly targetSvm: OntapSvm;
  readonly peersOf: (svm: OntapSvm) => Promise<readonly SvmPeer[]>;
  /** As `peersOf`, for looking: peers that are not told within the contact timeout are none. */
  readonly peersSeen: (svm: OntapSvm) => Promise<readonly SvmPeer[]>;
  readonly signal: AbortSignal;
  /** How long a side that may be dead is waited for. */
  readonly contactTimeoutMs: number;
}

export const DEFAULT_CONTACT_TIMEOUT_MS = 20_000;

/** Look-ups of single volumes and mirrors are put together for the duration of the call. */
export function routeBetween(
  world: FailoverWorld,
  names: { readonly source: string; readonly target: string },
  call: { readonly signal: AbortSignal; readonly contactTimeoutMs?: number | undefined; readonly atOnce: number },
): Route {
  const source = backendOf(world.configuration, names.source).name;
  const target = targetOf(world.configuration, source, names.target).backend;
  const { signal, atOnce, contactTimeoutMs = DEFAULT_CONTACT_TIMEOUT_MS } = call;
  const shared = (backend: string) => coalescing(world.svmOf(backend), world.env.clock, signal, atOnce);
  const peersOf = world.peersReader(signal);
  return {
    world,
    source,
    target,
    sourceSvm: shared(source),
    targetSvm: shared(target),
    peersOf,
    peersSeen: peersWithin({ world, signal, contactTimeoutMs }, peersOf),
    signal,
    contactTimeoutMs,
  };
}

/** Who was silent is asked again, but not for each relationship in turn. */
function peersWithin(
  route: Pick<Route, 'world' | 'signal' | 'contactTimeoutMs'>,
  peersOf: Route['peersOf'],
): Route['peersSeen'] {
  const { contactTimeoutMs, signal, world } = route;
  const asked = new Map<OntapSvm, { readonly peers: Promise<readonly SvmPeer[]>; askAgainAt: number }>();
  return (svm) => {
    const known = asked.get(svm);
    if (known !== undefined && world.env.clock.now() < known.askAgainAt) return known.peers;
    const ask = async (): Promise<readonly SvmPeer[]> => {
      try {
        return await within(route, contactTimeoutMs, `list the peers of ${svm.backend}`, () => peersOf(svm));
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof OntapError) && !ranOutOfTime(error)) throw error;
        entry.askAgainAt = world.env.clock.now() + contactTimeoutMs;
        return [];
      }
    };
    const entry = { peers: Promise.resolve<readonly SvmPeer[]>([]), askAgainAt: Number.POSITIVE_INFINITY };
    asked.set(svm, entry);
    entry.peers = ask();
    return entry.peers;
  };
}

/** Every target of a backend, or the one that is asked for. */
export function targetsOf(world: FailoverWorld, source: string, target?: string): readonly string[] {
  if (target !== undefined) return [targetOf(world.configuration, source, target).backend];
  return replicationBackendNames(world.configuration, source);
}

/** What a verb on the mirror needs, in the one direction or the other. */
export function mirrorContext(
  route: Route,
  direction: 'forward' | 'reverse',
  volumes: { readonly volume: string; readonly destinationVolume: string },
  parts: {
    readonly signal?: AbortSignal | undefined;
    readonly guard?: MirrorContext['guard'];
    readonly onProgress?: ((progress: MirrorProgress) => void) | undefined;
    readonly timing?: Partial<MirrorTiming> | undefined;
  } = {},
): MirrorContext {
  const { world, sourceSvm, targetSvm, peersOf } = route;
  const source = { backend: route.source, volume: volumes.volume };
  const target = { backend: route.target, volume: volumes.destinationVolume };
  const forward = direction === 'forward';
  return {
    env: world.env,
    pair: forward ? { source, destination: target } : { source: target, destination: source },
    source: forward ? sourceSvm : targetSvm,
    destination: forward ? targetSvm : sourceSvm,
    peersOf,
    timing: { ...world.timingOf(route.source), ...parts.timing },
    signal: parts.signal ?? route.signal,
    onProgress: parts.onProgress ?? (() => {}),
    guard: parts.guard,
  };
}

/** Work that is given up after a time, which is told apart from the caller's own end of the call. */
export async function within<T>(
  { world, signal }: Pick<Route, 'world' | 'signal'>,
  timeoutMs: number,
  attempted: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock } = world.env;
  const options: CallOptions = { signal, deadline: clock.now() + timeoutMs };
  try {
    return await underDeadline(clock, options, attempted, async (limited) => raced(limited, work(limited)));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** The time was up, rather than the caller's call. */
export function ranOutOfTime(error: unknown): boolean {
  return error instanceof InterruptedError && error.code === 'DEADLINE_EXCEEDED';
}

/** Ends with the signal even if the work does not listen to it. */
function raced<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
