/** /cluster/licensing/licenses: what a cluster is licensed for, and who is refused without. */
import type { ClusterState } from '../cluster-state.ts';
import type { Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import { LICENSES, type LicenseName } from '../licenses.ts';
import { Refusal } from '../refusals.ts';

export const licenseResource: Resource<LicenseName> = {
  path: '/cluster/licensing/licenses',
  schema: schema(
    '-name -scope=not_available|site|cluster|node|pool -state=compliant|noncompliant|unlicensed|unknown -description',
  ),
  keys: ['name'],
  clusterOnly: () => true,
  records: () => LICENSES,
  key: (name) => name,
  view: (name, { cluster }) => ({
    name,
    scope: 'cluster',
    state: cluster.licenses.has(name) ? 'compliant' : 'unlicensed',
    description: `${name} license`,
  }),
};

export function requireLicense(cluster: ClusterState, license: LicenseName): void {
  if (!cluster.licenses.has(license)) throw new Refusal('licenseMissing', { cluster: cluster.name, license });
}
