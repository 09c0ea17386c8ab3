/** The form of a scenario: what may be written, and what it becomes. Docs: docs/simulator.md, with every key in use. */
import { z } from 'zod';
import { CONTENT_PATTERNS } from '../content.ts';
import { RANDOM_FAULT_KINDS } from '../random-faults.ts';
import { SWITCHES } from '../switches.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
const size = z.union([z.number().int().positive(), z.string()]).transform((given, context) => {
  if (typeof given === 'number') return given;
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?((?:[KMGT]iB)?)$/.exec(given) ?? [];
  if (number !== undefined) return Math.floor(Number(number) * (UNITS[unit] ?? 1));
  context.addIssue({ code: 'custom', message: `${JSON.stringify(given)} is no size, such as 100MiB or 4096` });
  return z.NEVER;
});

const DURATION = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
/** In milliseconds. */
const duration = z.union([z.number().nonnegative(), z.string()]).transform((given, context) => {
  if (typeof given === 'number') return given;
  const match = DURATION.exec(given);
  if (match && given !== 'P' && !given.endsWith('T')) {
    const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
  }
  context.addIssue({
    code: 'custom',
    message: `${JSON.stringify(given)} is no duration: milliseconds, or ISO 8601 such as PT36H`,
  });
  return z.NEVER;
});

/** In epoch milliseconds. YAML gives a Date for an unquoted time. */
const time = z.union([z.number(), z.string(), z.date()]).transform((given, context) => {
  const at = given instanceof Date ? given.getTime() : typeof given === 'number' ? given : Date.parse(given);
  if (Number.isFinite(at)) return at;
  context.addIssue({ code: 'custom', message: `${JSON.stringify(given)} is no time, such as 2026-01-01T00:00:00Z` });
  return z.NEVER;
});

const name = z.string().min(1);
const contentSpec = {
  share: z.number().min(0).max(1).optional(),
  files: z.number().int().positive().optional(),
  pattern: z.enum(CONTENT_PATTERNS).optional(),
  seed: z.number().int().optional(),
  directory: z.string().startsWith('/').optional(),
};
/** What is written to a volume: as ContentSpec, with `size` for `sizeBytes`. */
export const CONTENT = z
  .strictObject({ size: size.optional(), ...contentSpec })
  .transform(({ size: sizeBytes, ...rest }) => (sizeBytes === undefined ? rest : { sizeBytes, ...rest }));

const volume = z.strictObject({
  svm: name,
  name,
  size,
  type: z.enum(['rw', 'dp']).optional(),
  style: z.enum(['flexvol', 'flexgroup']).optional(),
  aggregates: z.array(name).min(1).optional(),
  junctionPath: z.string().startsWith('/').optional(),
  encrypted: z.boolean().optional(),
  snapshotPolicy: name.optional(),
  content: CONTENT.optional(),
  snapshots: z
    .array(z.strictObject({ name, label: name.optional(), comment: name.optional(), content: CONTENT.optional() }))
    .optional(),
});

const cluster = z.strictObject({
  name,
  version: z
    .string()
    .regex(/^\d+\.\d+\.\d+$/, 'must be such as 9.14.1')
    .optional(),
  user: name.optional(),
  password: z.string().optional(),
  users: z
    .array(
      z.strictObject({
        name,
        password: z.string(),
        svm: name.optional(),
        role: z.enum(['admin', 'readonly', 'none']),
        denied: z.array(z.string()).optional(),
      }),
    )
    .optional(),
  nodes: z.array(name).min(1).optional(),
  aggregates: z
    .array(z.union([name, z.strictObject({ name, size })]))
    .min(1)
    .optional(),
  svms: z.array(name).min(1).optional(),
  maxRequestsInFlight: z.number().int().positive().optional(),
  schedules: z.array(z.looseObject({ name })).optional(),
  policies: z.array(z.looseObject({ name })).optional(),
  volumes: z.array(volume).optional(),
  goneFor: duration.optional(),
  dead: z.boolean().optional(),
});

const place = z.string().regex(/^[^:]+:[^:]+$/, 'must be CLUSTER:SVM');
const end = z.string().regex(/^[^:]+:[^:]+:[^:]+$/, 'must be CLUSTER:SVM:VOLUME');

export const SCENARIO_STATES = ['uninitialized', 'snapmirrored', 'in_sync', 'paused', 'broken_off'] as const;

const relationship = z.strictObject({
  source: end,
  destination: end,
  policy: name.optional(),
  schedule: name.optional(),
  throttle: z.number().int().nonnegative().optional(),
  state: z.enum(SCENARIO_STATES).optional(),
  lag: duration.optional(),
  unhealthy: z.string().min(1).optional(),
  changes: CONTENT.optional(),
  destinationChanges: CONTENT.optional(),
  transferring: z.boolean().optional(),
});

/** JSON has no Infinity. */
const times = z
  .union([z.number().int().positive(), z.literal('always')])
  .transform((given) => (given === 'always' ? Number.POSITIVE_INFINITY : given));
const match = {
  method: z.string().optional(),
  path: z.string().optional(),
  times: times.optional(),
  after: z.number().int().nonnegative().optional(),
};
const ms = duration;
/** A fault as `addFault` takes it, with `times: always` for Infinity and durations as text too. */
export const FAULT = z.discriminatedUnion('kind', [
  z.strictObject({ ...match, kind: z.literal('clock-jump'), ms: z.union([z.number(), duration]) }),
  z.strictObject({ ...match, kind: z.literal('malformed'), body: z.string().optional() }),
  z.strictObject({ ...match, kind: z.literal('transfer-fails'), message: z.string().optional() }),
  z.strictObject({ ...match, kind: z.literal('answer-lost'), when: z.enum(['before', 'after']) }),
  z.strictObject({
    ...match,
    kind: z.literal('http'),
    status: z.number().int().min(200).max(599),
    code: z.string().optional(),
    message: z.string().optional(),
    retryAfterSeconds: z.number().int().nonnegative().optional(),
  }),
  z.strictObject({
    ...match,
    kind: z.literal('job-fails'),
    code: z.string(),
    message: z.string().optional(),
    afterEffect: z.boolean().optional(),
    lateMs: ms.optional(),
  }),
  ...(['refuse', 'reset', 'busy', 'truncated', 'job-vanishes', 'transfer-stalls', 'transfer-aborted'] as const).map(
    (kind) => z.strictObject({ ...match, kind: z.literal(kind) }),
  ),
  ...(['latency', 'stale-read', 'cluster-gone'] as const).map((kind) =>
    z.strictObject({ ...match, kind: z.literal(kind), ms }),
  ),
]);

/** As in drawFaults. */
export const RANDOM_FAULTS = z.strictObject({
  rates: z.partialRecord(z.enum(RANDOM_FAULT_KINDS as readonly [string, ...string[]]), z.number().min(0).max(1)),
  seed: z.number().int().optional(),
  budget: z.number().int().nonnegative().optional(),
});

const placedFault = z.looseObject({ cluster: name }).transform(({ cluster: at, ...rest }, context) => {
  const fault = FAULT.safeParse(rest);
  if (fault.success) return { cluster: at, fault: fault.data };
  for (const { path, message } of fault.error.issues) context.addIssue({ code: 'custom', path: [...path], message });
  return z.NEVER;
});

const switches = z.strictObject(
  Object.fromEntries(
    Object.entries(SWITCHES).map(([key, choice]) => [
      key,
      ('values' in choice ? z.enum(choice.values as readonly [string, ...string[]]) : z.number()).optional(),
    ]),
  ),
);

export const SCENARIO = z.strictObject({
  version: z.literal(1),
  seed: z.number().int().optional(),
  clock: z
    .strictObject({
      start: time.optional(),
      speed: z.number().nonnegative().optional(),
      virtual: z.boolean().optional(),
    })
    .refine(({ speed, virtual }) => !(virtual && speed !== undefined), 'a virtual clock has no speed')
    .optional(),
  latency: duration.optional(),
  transferRate: size.optional(),
  operation: duration.optional(),
  switches: switches.optional(),
  clusters: z.array(cluster).min(1),
  peers: z
    .union([
      z.enum(['all', 'none']),
      z.array(z.strictObject({ from: place, to: place, applications: z.array(z.string()).optional() })),
    ])
    .optional(),
  relationships: z.array(relationship).optional(),
  faults: z.array(placedFault).optional(),
  randomFaults: RANDOM_FAULTS.optional(),
});

/** A checked scenario: sizes in bytes, times in epoch milliseconds, durations in milliseconds. */
export type Scenario = z.output<typeof SCENARIO>;
export type ScenarioCluster = Scenario['clusters'][number];
export type ScenarioVolume = NonNullable<ScenarioCluster['volumes']>[number];
export type ScenarioRelationship = NonNullable<Scenario['relationships']>[number];
