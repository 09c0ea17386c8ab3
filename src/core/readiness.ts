/** Core (layer 1): the verdict on a pair of backends, and the rules that need no cluster: room, names, what others mirror. */

/** What is checked, in the order in which it is told. */
export const READINESS_CHECKS = [
  'reachable',
  'credentials',
  'release',
  'svm',
  'licences',
  'cluster-peers',
  'svm-peers',
  'source-volumes',
  'aggregate-map',
  'aggregates',
  'space',
  'policy',
  'schedule',
  'conflicts',
  'destination-volumes',
] as const;
/** One of `READINESS_CHECKS`. */
export type ReadinessCheckName = (typeof READINESS_CHECKS)[number];

/** One check: what was found and, if it does not hold, what to do. */
export interface ReadinessCheck {
  readonly name: ReadinessCheckName;
  /** The backend that it was made on. */
  readonly backend: string;
  /** True when it holds. */
  readonly ok: boolean;
  /** True when it could not be made; `detail` says why. It then says nothing about readiness. */
  readonly skipped: boolean;
  readonly detail: string;
  readonly remedy?: string | undefined;
  /** Code of the error behind it. */
  readonly code?: string | undefined;
  readonly ontapCode?: string | undefined;
  readonly ontapMessage?: string | undefined;
}

/** Whether one backend can be replicated to another, and everything that was found. */
export interface Readiness {
  readonly source: string;
  readonly target: string;
  /** No check failed. */
  readonly ready: boolean;
  readonly checks: readonly ReadinessCheck[];
}

/** In the order of READINESS_CHECKS, the source's before the target's. */
export function verdict(source: string, target: string, checks: readonly ReadinessCheck[]): Readiness {
  const place = ({ name, backend }: ReadinessCheck) =>
    READINESS_CHECKS.indexOf(name) * 2 + (backend === source ? 0 : 1);
  return {
    source,
    target,
    ready: checks.every(({ ok, skipped }) => ok || skipped),
    checks: checks.toSorted((one, other) => place(one) - place(other)),
  };
}

/** A volume that has to be made. Sizes in bytes. */
export interface PlacedVolume {
  readonly aggregate: string;
  readonly sizeBytes: number;
  readonly usedBytes?: number | undefined;
  readonly guarantee?: 'none' | 'volume' | undefined;
}

/** A package that a cluster is licensed for, or lists as not licensed. */
export interface LicenceFacts {
  readonly name: string;
  readonly state?: string | undefined;
}

/**
 * What is wrong with the licences that mirrors need, in words; undefined when nothing is. `unknown` when the cluster lists none at
 * all: managed systems keep theirs to themselves.
 */
export function licenceProblem(
  licences: readonly LicenceFacts[],
  synchronous: boolean,
): 'unknown' | string | undefined {
  if (licences.length === 0) return 'unknown';
  const problems = (synchronous ? ['snapmirror', 'snapmirror_sync'] : ['snapmirror']).flatMap((wanted) => {
    const state = licences.find(({ name }) => name.toLowerCase() === wanted)?.state;
    const listed = licences.some(({ name }) => name.toLowerCase() === wanted);
    if (!listed || state === 'unlicensed') return [`${wanted} is not licensed`];
    return state === 'noncompliant' ? [`${wanted} is noncompliant`] : [];
  });
  return problems.length === 0 ? undefined : problems.join('; ');
}

/** An aggregate that has less room than the volumes to be made on it take. */
export interface Shortage {
  readonly aggregate: string;
  readonly neededBytes: number;
  readonly availableBytes: number;
}

/**
 * A volume with the guarantee `volume` takes its whole size at once; any other takes what its source has used, as far as that is
 * known. Aggregates whose room is not known are left out.
 */
export function shortages(
  volumes: readonly PlacedVolume[],
  availableBytes: ReadonlyMap<string, number>,
): readonly Shortage[] {
  const needed = new Map<string, number>();
  for (const { aggregate, sizeBytes, usedBytes, guarantee } of volumes) {
    const bytes = guarantee === 'volume' ? sizeBytes : (usedBytes ?? sizeBytes);
    needed.set(aggregate, (needed.get(aggregate) ?? 0) + bytes);
  }
  return [...needed].flatMap(([aggregate, neededBytes]) => {
    const available = availableBytes.get(aggregate);
    return available === undefined || available >= neededBytes
      ? []
      : [{ aggregate, neededBytes, availableBytes: available }];
  });
}
