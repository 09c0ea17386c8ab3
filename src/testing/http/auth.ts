/** Who asks: HTTP Basic, or a client certificate whose subject names a user (rest-facts section 1, Auth). */
import type { ClusterState, User } from '../cluster-state.ts';
import { Refusal } from '../refusals.ts';
import type { Svm } from '../svm.ts';
import type { SimRequest } from './message.ts';

export interface Caller {
  readonly user: User;
  /** The SVM that the user belongs to; absent for users of the cluster. */
  readonly svm: Svm | undefined;
}

export function callerOf(cluster: ClusterState, { headers, peerCertificate }: SimRequest): Caller {
  const basic = basicCredentials(headers['authorization']);
  const user = cluster.users.find((known) =>
    basic ? known.name === basic.name && known.password === basic.password : known.name === peerCertificate?.commonName,
  );
  if (!user) throw new Refusal('unauthenticated');
  if (user.role === 'none') throw new Refusal('notAuthorized');
  return { user, svm: user.svm === undefined ? undefined : cluster.svmNamed(user.svm) };
}

function basicCredentials(header: string | undefined): { name: string; password: string } | undefined {
  const match = /^Basic\s+(.+)$/i.exec(header ?? '');
  if (!match?.[1]) return undefined;
  const text = Buffer.from(match[1], 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
