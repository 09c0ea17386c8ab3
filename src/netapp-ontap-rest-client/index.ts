/** `ontap-data-motion/netapp-ontap-rest-client`: a typed client of ONTAP's REST API, usable on its own. */
export {
  type CallOptions,
  type Clock,
  type Env,
  type Logger,
  type Random,
  type Span,
  silentLogger,
  systemClock,
  systemRandom,
  type Tracer,
} from '../env.ts';
export {
  ConfigError,
  type ConfigProblem,
  DataMotionError,
  type ErrorFacts,
  InterruptedError,
  ONTAP_ERROR_CODES,
  OntapError,
  type OntapErrorCode,
  type OntapErrorFacts,
} from '../errors.ts';
export type { Change, ChangeOptions, Look, Looked, LookOptions } from './changes.ts';
export type {
  Address,
  Auth,
  OntapRestClientOptions,
  RetryOptions,
  TlsOptions,
  Transport,
} from './client-options.ts';
export type { RequestOptions } from './connection.ts';
export type { components, operations, paths } from './generated.ts';
export type { EndedJob, JobStatus, WaitForJobOptions } from './jobs.ts';
export {
  type ChangeRequestOf,
  OntapRestClient,
  type ReadBytesRequestOf,
  type RequestOf,
  type VisibilityOptions,
  type WriteBytesRequestOf,
} from './ontap-rest-client.ts';
export { anyOf, atLeast, isNull, lessThan, matches, not, QueryExpression, range } from './query.ts';
export { isAtLeast, parseRelease, type Release } from './release.ts';
export type {
  Answered,
  Method,
  PathsTakingBytes,
  PathsWith,
  PathsWithBytes,
  PathsWithRecords,
  RecordOf,
} from './typed-paths.ts';
