/**
 * Edge (layer 8): the methods that `datamotion rpc` serves: each verb of DataMotion, by its own name, with a schema of its parameters.
 * Bad parameters are refused before anything is asked of a cluster.
 */
import { z } from 'zod';
import type { FailoverEvent } from '../../core/failover/events.ts';
import type { DrillPlan, FailbackPlan, FailoverPlan, Plan } from '../../core/failover/plan.ts';
import { parsePlan } from '../../core/failover/stored-plan.ts';
import { FENCES, SIDES } from '../../core/failover/vocabulary.ts';
import { TRANSFER_OBJECTS } from '../../core/transfer/facts.ts';
import type { BackendVerbOptions, DataMotion } from '../../data-motion.ts';
import { FailoverError } from '../../errors.ts';
import { SVM_PEER_APPLICATIONS } from '../../ontap/ontap-svm.ts';
import type { DrillClone, HookCall } from '../../run/failover/options.ts';
import type { TransferProgress } from '../../run/transfer/context.ts';
import type { OperationJournal } from '../../state/operation-journal.ts';

/** Hooks that a caller may ask to be asked. */
export const RPC_HOOKS = ['stopWriters', 'startWriters', 'verify'] as const;
/** One of `RPC_HOOKS`. */
export type RpcHook = (typeof RPC_HOOKS)[number];

/** What the server gives every call. */
export interface RpcCall extends BackendVerbOptions {
  /** Set where progress was asked for. */
  readonly onEvent?: ((event: FailoverEvent) => void) | undefined;
  /** Set where progress was asked for. */
  readonly onTransfer?: ((progress: TransferProgress) => void) | undefined;
  /** Lets a call without end come to one. */
  readonly stop: AbortSignal;
  readonly journal?: OperationJournal | undefined;
  /** Asks the caller, and waits for the answer; rejects when that says so, or with the signal. */
  readonly ask: (
    hook: RpcHook,
    about: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ) => Promise<string | undefined>;
}

/** One method: what it takes, and the verb that it calls. */
export interface RpcMethod {
  readonly params: z.ZodType;
  readonly call: (dataMotion: DataMotion, params: unknown, waiting: RpcCall) => Promise<unknown>;
}

const name = z.string().min(1);
const pair = z.strictObject({
  source: z.strictObject({ backend: name, volume: name }),
  destination: z.strictObject({ backend: name, volume: name.optional() }),
});
const selection = z.strictObject({ source: name, target: name.optional(), volumes: z.array(name).optional() });
const targeted = selection.extend({ target: name });
const between = z.strictObject({ source: name, target: name });

/** What every method that waits takes beside its own options. */
export const waiting = z.strictObject({
  timeoutMs: z
    .number()
    .positive()
    .optional()
    .describe('the call ends with DEADLINE_EXCEEDED after as many milliseconds'),
  progress: z.boolean().optional().describe('send progress notifications'),
});
const many = waiting.extend({ concurrency: z.int().positive().optional() });

const creation = {
  policy: name.optional(),
  transferSchedule: name.optional(),
  waitForBaseline: z.boolean().optional(),
  repair: z.boolean().optional().describe('discards what previewResyncs tells'),
};
const quiescing = { quiesceTimeoutMs: z.number().nonnegative().optional() };
const resyncing = {
  wait: z.boolean().optional(),
  keepNewerSnapshots: z.boolean().optional(),
  quick: z.boolean().optional(),
};
const releasing = { keepSnapshots: z.boolean().optional(), destinationLost: z.boolean().optional() };
const aborting = { clearCheckpoint: z.boolean().optional() };
const updating = { wait: z.boolean().optional() };
const deleting = { release: z.boolean().optional() };

const plan = z.looseObject({ format: z.literal('ontap-data-motion/plan') }).describe('as a plan method gave it');
const planning = waiting.extend({ contactTimeoutMs: z.number().positive().optional() });
const failingOver = { fence: z.enum(FENCES).optional() };
const failingBack = { keep: z.enum(SIDES).optional() };
const hooks = z.array(z.enum(RPC_HOOKS)).optional().describe('hooks that the caller is asked for by `hook` requests');
const applying = {
  acknowledge: z.array(name).optional().describe('ids of losses that are accepted'),
  concurrency: z.int().positive().optional(),
  hookTimeoutMs: z.number().positive().optional(),
  hooks,
};

const end = name.describe('backend:volume, backend:volume/path, file:path or a path on the host that serves this');
const planningTransfer = {
  move: z.boolean().optional().describe('the source is deleted once the destination is whole'),
  object: z.enum(TRANSFER_OBJECTS).optional(),
  aggregates: z.array(name).optional().describe('where a whole volume is to lie'),
  hostPaths: z.strictObject({ source: name.optional(), destination: name.optional() }).optional(),
};
const transferring = { checksum: z.boolean().optional(), rangesInFlight: z.int().positive().optional() };

/** Every method by its name, which is the verb's. */
export const RPC_METHODS: Readonly<Record<string, RpcMethod>> = {
  getReplicationBackendNames: method(z.strictObject({ source: name }), (on, { source }) =>
    on.getReplicationBackendNames(source),
  ),
  getReplicationBackendStats: method(z.strictObject({ source: name }), (on, { source }) =>
    on.getReplicationBackendStats(source),
  ),
  getSnapmirrors: method(
    z.strictObject({ query: between.extend({ volume: name.optional() }), options: waiting.optional() }),
    (on, { query }, call) => on.getSnapmirrors(query, call),
  ),
  getPools: method(z.strictObject({ source: name, options: waiting.optional() }), (on, { source }, call) =>
    on.getPools(source, call),
  ),
  checkReadiness: method(
    z.strictObject({
      selection: targeted,
      options: waiting.extend({ policy: name.optional(), transferSchedule: name.optional() }).optional(),
    }),
    (on, params, call) => on.checkReadiness(params.selection, { ...params.options, ...call }),
  ),
  createSvmPeer: method(
    z.strictObject({
      backends: between,
      options: waiting.extend({ applications: z.array(z.enum(SVM_PEER_APPLICATIONS)).optional() }).optional(),
    }),
    (on, params, call) => on.createSvmPeer(params.backends, { ...params.options, ...call }),
  ),

  createDestinationFlexvol: onPair(waiting, (on, of, options) => on.createDestinationFlexvol(of, options)),
  createSnapmirror: onPair(waiting.extend(creation), (on, of, options) => on.createSnapmirror(of, options)),
  updateSnapmirror: onPair(waiting.extend(updating), (on, of, options) => on.updateSnapmirror(of, options)),
  quiesceThenAbort: onPair(waiting.extend(quiescing), (on, of, options) => on.quiesceThenAbort(of, options)),
  breakSnapmirror: onPair(
    waiting.extend({ ...quiescing, junctionPath: z.union([name, z.literal(false)]).optional() }),
    (on, of, options) => on.breakSnapmirror(of, options),
  ),
  resyncSnapmirror: onPair(waiting.extend(resyncing), (on, of, options) => on.resyncSnapmirror(of, options)),
  resumeSnapmirror: onPair(waiting, (on, of, options) => on.resumeSnapmirror(of, options)),
  deleteSnapmirror: onPair(waiting.extend(deleting), (on, of, options) => on.deleteSnapmirror(of, options)),
  abortSnapmirror: onPair(waiting.extend(aborting), (on, of, options) => on.abortSnapmirror(of, options)),
  releaseSnapmirror: onPair(waiting.extend(releasing), (on, of, options) => on.releaseSnapmirror(of, options)),

  ensureSnapmirrors: onMany(selection, many.extend(creation), (on, of, options) => on.ensureSnapmirrors(of, options)),
  updateSnapmirrors: onMany(selection, many.extend(updating), (on, of, options) => on.updateSnapmirrors(of, options)),
  previewResyncs: onMany(selection, many, (on, of, options) => on.previewResyncs(of, options)),
  quiesceSnapmirrors: onMany(targeted, many.extend(quiescing), (on, of, options) => on.quiesceSnapmirrors(of, options)),
  resumeSnapmirrors: onMany(targeted, many, (on, of, options) => on.resumeSnapmirrors(of, options)),
  breakSnapmirrors: onMany(targeted, many.extend(quiescing), (on, of, options) => on.breakSnapmirrors(of, options)),
  resyncSnapmirrors: onMany(targeted, many.extend(resyncing), (on, of, options) => on.resyncSnapmirrors(of, options)),
  deleteSnapmirrors: onMany(targeted, many.extend(deleting), (on, of, options) => on.deleteSnapmirrors(of, options)),
  abortSnapmirrors: onMany(targeted, many.extend(aborting), (on, of, options) => on.abortSnapmirrors(of, options)),
  releaseSnapmirrors: onMany(targeted, many.extend(releasing), (on, of, options) => on.releaseSnapmirrors(of, options)),

  planTransfer: method(
    z.strictObject({ from: end, to: end, options: waiting.extend(planningTransfer).optional() }),
    (on, { from, to, options }, { signal, deadline }) => on.planTransfer(from, to, { ...options, signal, deadline }),
  ),
  transfer: method(
    z.strictObject({
      from: end,
      to: end,
      options: waiting.extend({ ...planningTransfer, ...transferring }).optional(),
    }),
    (on, { from, to, options }, { signal, deadline, onTransfer }) =>
      on.transfer({ from, to }, { ...options, signal, deadline, onProgress: onTransfer }),
  ),
  migrateVolume: method(
    z.strictObject({
      migration: z.strictObject({
        source: z.strictObject({ backend: name, pool: name, path: name }),
        destination: z.strictObject({ backend: name, pool: name }),
      }),
      options: waiting
        .extend({ ...transferring, available: z.boolean().optional(), object: z.enum(['file', 'lun']).optional() })
        .optional(),
    }),
    (on, { migration, options }, { signal, deadline, onTransfer }) =>
      on.migrateVolume(migration, { ...options, signal, deadline, onProgress: onTransfer }),
  ),

  planFailover: onMany(selection, planning.extend(failingOver), (on, of, options) => on.planFailover(of, options)),
  failover: onPlan(
    'failover',
    planning.extend({
      ...failingOver,
      ...applying,
      ...quiescing,
      lastUpdateTimeoutMs: z.number().nonnegative().optional(),
    }),
    (on, what: FailoverPlan | Of, { hooks, ...options }) =>
      on.failover(what, { ...options, hooks: writers(hooks, options) }),
  ),
  planFailback: onMany(selection, planning.extend(failingBack), (on, of, options) => on.planFailback(of, options)),
  failback: onPlan(
    'failback',
    planning.extend({
      ...failingBack,
      ...applying,
      smallDeltaBytes: z.number().nonnegative().optional(),
      smallDeltaSeconds: z.number().nonnegative().optional(),
      catchUpRounds: z.int().positive().optional(),
      finalUpdateTimeoutMs: z.number().positive().optional(),
    }),
    (on, what: FailbackPlan | Of, { hooks, ...options }) =>
      on.failback(what, { ...options, hooks: writers(hooks, options) }),
  ),
  planDrill: onMany(selection, planning.extend({ mount: z.boolean().optional() }), (on, of, options) =>
    on.planDrill(of, options),
  ),
  drill: onPlan(
    'drill',
    planning.extend({
      mount: z.boolean().optional(),
      concurrency: applying.concurrency,
      hookTimeoutMs: applying.hookTimeoutMs,
      hooks,
    }),
    (on, what: DrillPlan | Of, { hooks, ...options }) => {
      const verify = ({ signal, ...clone }: DrillClone) => options.ask('verify', { ...clone }, signal);
      return on.drill(what, { ...options, verify: hooks?.includes('verify') ? verify : undefined });
    },
  ),
  removeDrillLeftovers: onMany(selection.omit({ volumes: true }), waiting, (on, of, options) =>
    on.removeDrillLeftovers(of, options),
  ),
  replicationState: onMany(selection, planning, (on, of, options) => on.replicationState(of, options)),
  keepHouse: method(
    z.strictObject({
      source: name,
      options: planning
        .extend({
          ...failingOver,
          target: name.optional(),
          volumes: z.array(name).optional(),
          intervalMs: z.number().positive().optional(),
          maxLagSeconds: z.number().positive().optional(),
          updateAfterSeconds: z.number().positive().optional(),
          ensure: z.boolean().optional(),
        })
        .optional(),
    }),
    (on, { source, options }, call) => on.keepHouse(source, { ...options, ...call }),
  ),
};

type Of = z.output<typeof selection>;

/** A method whose parameters are exactly what its schema gives. */
export function method<P extends z.ZodType>(
  params: P,
  call: (dataMotion: DataMotion, params: z.output<P>, waiting: RpcCall) => Promise<unknown>,
): RpcMethod {
  return { params, call: (dataMotion, given, options) => call(dataMotion, params.parse(given), options) };
}

/** A verb on one mirror: `{ pair, options }`. */
function onPair<O extends z.ZodObject>(options: O, verb: Verb<z.output<typeof pair>, O>): RpcMethod {
  return verbOn('pair', pair, options, verb);
}

/** A verb on the mirrors of a backend: `{ selection, options }`. */
function onMany<S extends z.ZodObject, O extends z.ZodObject>(
  of: S,
  options: O,
  verb: Verb<z.output<S>, O>,
): RpcMethod {
  return verbOn('selection', of, options, verb);
}

type Verb<Of, O extends z.ZodObject> = (
  dataMotion: DataMotion,
  of: Of,
  options: z.output<O> & RpcCall,
) => Promise<unknown>;

/** A verb that takes a plan, or the selection that it plans for on the way: `{ plan, options }` or `{ selection, options }`. */
function onPlan<P extends Plan, O extends z.ZodObject>(kind: P['kind'], options: O, verb: Verb<P | Of, O>): RpcMethod {
  const params = z.union([
    z.strictObject({ plan, options: options.optional() }),
    z.strictObject({ selection, options: options.optional() }),
  ]);
  return method(params, async (dataMotion, given, call) => {
    const what = 'plan' in given ? planOf<P>(kind, given.plan) : given.selection;
    return verb(dataMotion, what, { ...(given.options as z.output<O>), ...call });
  });
}

/** @throws FailoverError `FAILOVER_PLAN_INVALID` */
function planOf<P extends Plan>(kind: P['kind'], stored: unknown): P {
  const found = parsePlan(stored);
  if (found.kind === kind) return found as P;
  throw new FailoverError('FAILOVER_PLAN_INVALID', `this is a plan of a ${found.kind}, not of a ${kind}`, {
    remedy: 'call the method that is named like the plan',
  });
}

/** The caller's part of a switch, for those hooks that it asked for. */
export function writers(wanted: readonly RpcHook[] | undefined, { ask }: Pick<RpcCall, 'ask'>) {
  const hook = (which: RpcHook) => {
    if (wanted?.includes(which) !== true) return undefined;
    return async ({ signal, ...about }: HookCall) => void (await ask(which, about, signal));
  };
  return { stopWriters: hook('stopWriters'), startWriters: hook('startWriters') };
}

function verbOn<S extends z.ZodObject, O extends z.ZodObject>(
  key: 'pair' | 'selection',
  of: S,
  options: O,
  verb: Verb<z.output<S>, O>,
): RpcMethod {
  const params = z.strictObject({ [key]: of, options: options.optional() });
  return {
    params,
    call: (dataMotion, given, call) => {
      const parsed = params.parse(given);
      // The schema has just said so; zod cannot infer it for a key that is a variable.
      return verb(dataMotion, parsed[key] as z.output<S>, { ...(parsed['options'] as z.output<O>), ...call });
    },
  };
}
