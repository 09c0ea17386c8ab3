/** Who asks: HTTP Basic, or a client certificate whose subject names a user (rest-facts section 1, Auth). */
import { ACCESS, type ClusterState, type User } from '../cluster-state.ts';
import { Refusal } from '../refusals.ts';
import type { Svm } from '../svm.ts';
import { pathMatches, type SimRequest } from './message.ts';

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
  if (user.role === 'none' && !user.privileges) throw new Refusal('notAuthorized');
  return { user, svm: user.svm === undefined ? undefined : cluster.svmNamed(user.svm) };
}

const BY_ROLE = { admin: 'all', readonly: 'readonly', none: 'none' } as const;

/** Privileges decide where one fits the path; else the role. */
export function isPermitted({ role, denied = [], privileges = [] }: User, method: string, path: string): boolean {
  if (denied.some((pattern) => pathMatches(pattern, path))) return false;
  const fitting = privileges.filter((privilege) => pathMatches(privilege.path, path));
  const [closest] = fitting.sort((a, b) => b.path.length - a.path.length);
  const methods: readonly string[] = ACCESS[closest?.access ?? BY_ROLE[role]];
  return methods.includes(method);
}

function basicCredentials(header: string | undefined): { name: string; password: string } | undefined {
  const match = /^Basic\s+(.+)$/i.exec(header ?? '');
  if (!match?.[1]) return undefined;
  const text = Buffer.from(match[1], 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
