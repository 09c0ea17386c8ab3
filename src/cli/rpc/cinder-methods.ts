/**
 * Edge (layer 8): `cinder.*`: what a Cinder driver in Python calls, in Cinder's words and shapes. Nothing is remembered between calls: the
 * caller says which backend is active, as its service table has it.
 */
import { z } from 'zod';
import { CinderBackend, type CinderVolume } from '../../cinder.ts';
import { FENCES } from '../../core/failover/vocabulary.ts';
import type { DataMotion } from '../../data-motion.ts';
import type { CallOptions } from '../../env.ts';
import { method, type RpcCall, type RpcMethod, waiting, writers } from './methods.ts';

const name = z.string().min(1);
const volume = z.looseObject({ id: name, host: name, name: name.optional(), status: name.optional() });
const volumes = z.array(volume);
const options = waiting.extend({
  acknowledge: z
    .array(name)
    .optional()
    .describe('ids of losses that are accepted (default: unreplicated writes at a failover, nothing at a failback)'),
  fence: z.enum(FENCES).optional(),
  hookTimeoutMs: z.number().positive().optional(),
  hooks: z.array(z.enum(['stopWriters', 'startWriters'])).optional(),
});
const backend = z.strictObject({
  backend: name,
  active_backend_id: z.string().nullish(),
  options: options.optional(),
});
const switching = backend.extend({ volumes, secondary_id: z.string().nullish() });

/** Every method by its name. */
export const CINDER_RPC_METHODS: Readonly<Record<string, RpcMethod>> = {
  'cinder.failover_host': switchOf((on, params, call) => on.failoverHost(params.volumes, params.secondary_id, call)),
  'cinder.failover': switchOf((on, params, call) => on.failover(params.volumes, params.secondary_id, call)),
  'cinder.get_replication_stats': method(backend, (dataMotion, params, call) =>
    backendOf(dataMotion, params, call).getReplicationStats(),
  ),
  'cinder.check_for_setup_error': method(backend, (dataMotion, params, call) =>
    backendOf(dataMotion, params, call).checkForSetupError(callOptions(call)),
  ),
  'cinder.handle_housekeeping_tasks': method(backend, (dataMotion, params, call) =>
    backendOf(dataMotion, params, call).handleHousekeepingTasks(callOptions(call)),
  ),
  'cinder.migrate_volume': method(backend.extend({ volume, host: name }), (dataMotion, params, call) =>
    backendOf(dataMotion, params, call).migrateVolume(params.volume, params.host, callOptions(call)),
  ),
  'cinder.replication_updates': method(backend.extend({ volumes }), (dataMotion, params, call) =>
    backendOf(dataMotion, params, call).replicationUpdates(params.volumes, callOptions(call)),
  ),
};

type Switching = Omit<z.output<typeof switching>, 'volumes'> & { readonly volumes: readonly CinderVolume[] };

function switchOf(call: (on: CinderBackend, params: Switching, options: CallOptions) => Promise<unknown>): RpcMethod {
  return method(switching, (dataMotion, params, given) =>
    call(backendOf(dataMotion, params, given), params, callOptions(given)),
  );
}

function backendOf(dataMotion: DataMotion, params: z.output<typeof backend>, call: RpcCall): CinderBackend {
  const { acknowledge, fence, hookTimeoutMs, hooks } = params.options ?? {};
  return new CinderBackend(dataMotion, {
    backend: params.backend,
    activeBackendId: params.active_backend_id ?? undefined,
    acknowledgeFailover: acknowledge,
    acknowledgeFailback: acknowledge,
    fence,
    hookTimeoutMs,
    hooks: writers(hooks, call),
    journal: call.journal,
    onEvent: call.onEvent,
  });
}

function callOptions({ signal, deadline }: RpcCall): CallOptions {
  return { signal, deadline };
}
