/** Run (layer 3): a relationship onto a volume that is there already, with what its opposite was made with. */
import type { MirrorFacts } from '../../core/failover/facts.ts';
import { backendOf, replicationPolicy } from '../../core/replication/targets.ts';
import type { MirrorContext } from '../mirror/context.ts';
import { observe } from '../mirror/observe.ts';
import { requirePeeredSource, requirePolicy, requireSchedule } from '../mirror/preflight.ts';
import { isActive, reach } from '../mirror/reach.ts';
import { createRelationship, visible } from '../mirror/verbs.ts';
import type { Route } from './world.ts';

/**
 * Creates the relationship if there is none. Onto a read-write volume it begins broken off, and a resync makes the volume its copy.
 * @param opposite the relationship the other way round, whose policy and schedule are taken where this cluster has them
 */
export async function relate(route: Route, context: MirrorContext, opposite: MirrorFacts | undefined): Promise<void> {
  if ((await observe(context)) !== undefined) return;
  const spec = await relationshipSpec(route, context, opposite);
  await context.guard?.('create-relationship');
  await createRelationship(context, spec);
  await visible(context);
}

/** What the relationship is made with: policy and schedule are those that the destination has. */
export async function relationshipSpec(route: Route, context: MirrorContext, opposite: MirrorFacts | undefined) {
  const { configuration } = route.world;
  const configured = replicationPolicy(configuration, route.source);
  const policy = await requirePolicy(context, await policyName(context, opposite?.policy, configured));
  const wanted = opposite?.transferSchedule ?? backendOf(configuration, route.source).transferSchedule;
  const transferSchedule = await requireSchedule(context, policy, wanted);
  const sourceSvm = await requirePeeredSource(context);
  return { sourceSvm, policy: policy.name, transferSchedule };
}

async function policyName(context: MirrorContext, wanted: string | undefined, configured: string): Promise<string> {
  if (wanted === undefined || wanted === configured) return configured;
  const there = await context.destination.policy(wanted, { signal: context.signal });
  return there === undefined ? configured : wanted;
}

/** The whole of the source, into a volume of type dp that never held anything. */
export async function startBaseline(context: MirrorContext): Promise<void> {
  const reached = (now: Awaited<ReturnType<typeof observe>>) =>
    now !== undefined && !isActive(now) && (now.state === 'snapmirrored' || now.state === 'in_sync');
  await reach(context, { event: 'initialize', attempted: 'transfer the baseline', reached });
}
