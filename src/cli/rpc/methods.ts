/**
 * Edge (layer 8): the methods that `datamotion rpc` serves: each verb of DataMotion, by its own name, with a schema of its parameters.
 * Bad parameters are refused before anything is asked of a cluster.
 */
import { z } from 'zod';
import type { BackendVerbOptions, DataMotion } from '../../data-motion.ts';
import { SVM_PEER_APPLICATIONS } from '../../ontap/ontap-svm.ts';

/** One method: what it takes, and the verb that it calls. */
export interface RpcMethod {
  readonly params: z.ZodType;
  readonly call: (dataMotion: DataMotion, params: unknown, waiting: BackendVerbOptions) => Promise<unknown>;
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
const waiting = z.strictObject({
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
};

/** A method whose parameters are exactly what its schema gives. */
function method<P extends z.ZodType>(
  params: P,
  call: (dataMotion: DataMotion, params: z.output<P>, waiting: BackendVerbOptions) => Promise<unknown>,
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
  options: z.output<O> & BackendVerbOptions,
) => Promise<unknown>;

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
