/** The simulated clusters as a configuration in this package's native format, for whoever wants to drive them with it. */
import type { WorldDescription } from './world.ts';

/** The native configuration format, as far as it is used here. Plain data: `JSON.stringify` of it is a configuration file. */
export interface SimulatedConfiguration {
  readonly version: 1;
  readonly backends: Readonly<Record<string, SimulatedBackend>>;
}

/** A backend of a SimulatedConfiguration. */
export interface SimulatedBackend {
  readonly host: string;
  readonly port: number;
  readonly scheme: 'http' | 'https';
  readonly svm: string;
  readonly user: string;
  readonly password: string;
  readonly targets: readonly { readonly backend: string; readonly aggregates: Readonly<Record<string, string>> }[];
}

/** The first SVM of each cluster as a backend called after the cluster, replicating to all others, aggregate by aggregate. */
export function configurationOf({ clusters }: WorldDescription): SimulatedConfiguration {
  const backends = clusters.map((cluster) => {
    const { hostname, port, protocol } = new URL(cluster.url);
    const scheme = protocol === 'https:' ? 'https' : 'http';
    const targets = clusters
      .filter((other) => other !== cluster)
      .map((other) => ({
        backend: other.name,
        aggregates: Object.fromEntries(
          cluster.aggregates.map((aggregate, i) => [aggregate, other.aggregates[i % other.aggregates.length] ?? '']),
        ),
      }));
    const { user, password } = cluster;
    const backend: SimulatedBackend = {
      host: hostname,
      port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port),
      scheme,
      svm: cluster.svms[0] ?? '',
      user,
      password,
      targets,
    };
    return [cluster.name, backend] as const;
  });
  return { version: 1, backends: Object.fromEntries(backends) };
}
