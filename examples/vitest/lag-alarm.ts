/** The program under test: which mirrors of a cluster are further behind than they may be? It knows ONTAP's API only. */

export interface Cluster {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** `fetch`, or what stands in for it. */
  fetch(request: Request): Promise<Response>;
}

export async function laggingMirrors(cluster: Cluster, atMost: string): Promise<string[]> {
  const query = new URLSearchParams({ lag_time: `>${atMost}`, fields: 'destination.path' });
  const request = new Request(`${cluster.url}/api/snapmirror/relationships?${query}`, {
    headers: { authorization: `Basic ${btoa(`${cluster.user}:${cluster.password}`)}` },
  });
  const answer = await cluster.fetch(request);
  if (!answer.ok) throw new Error(`the cluster answered ${answer.status}`);
  const { records } = (await answer.json()) as { records: { destination: { path: string } }[] };
  return records.map(({ destination }) => destination.path);
}
