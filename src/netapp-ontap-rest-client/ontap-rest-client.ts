/**
 * A typed client of one ONTAP cluster's (or SVM's) REST API. It knows ONTAP's words only. The types come from `paths`:
 * ours by default, or any that `npm run generate -- --from FILE` makes from a cluster's own description.
 */
import type { CallOptions } from '../env.ts';
import { OntapError } from '../errors.ts';
import { type Change, type ChangeOptions, change } from './changes.ts';
import type { OntapRestClientOptions } from './client-options.ts';
import { type Call, Connection, type RequestOptions } from './connection.ts';
import type { paths as ourPaths } from './generated.ts';
import { type EndedJob, type JobStatus, jobStatus, jobStatuses, type WaitForJobOptions, waitForJob } from './jobs.ts';
import { count, records } from './paging.ts';
import type {
  Answered,
  Method,
  Parameters,
  PathsTakingBytes,
  PathsWith,
  PathsWithBytes,
  PathsWithRecords,
  RecordOf,
  RequestArgument,
  WithoutBody,
} from './typed-paths.ts';
import { growingWaits } from './waits.ts';

/** The argument of a call: parameters as the path has them, and the options of every call. */
export type RequestOf<Paths, P extends keyof Paths, M extends Method> = Parameters<Paths, P, M> & RequestOptions;

/** The argument of `change`. */
export type ChangeRequestOf<Paths, P extends keyof Paths, M extends Method> = RequestOf<Paths, P, M> &
  ChangeOptions &
  (M extends 'post' ? { readonly repeatable?: undefined } : Repeatable);

/** The argument of `readBytes`. */
export type ReadBytesRequestOf<Paths, P extends keyof Paths> = WithoutBody<Paths, P, 'get'> & RequestOptions;

/** The argument of `writeBytes`. */
export type WriteBytesRequestOf<Paths, P extends keyof Paths, M extends Method> = WithoutBody<Paths, P, M> &
  RequestOptions &
  Repeatable & {
    /** Not to be changed before the call is over: it may be sent more than once. */
    readonly bytes: Uint8Array;
  };

interface Repeatable {
  /** Sending it twice does the same as sending it once: it is then also sent again when an answer was lost. */
  readonly repeatable?: boolean | undefined;
}

/** Options of `untilVisible`. */
export interface VisibilityOptions extends CallOptions {
  /** Default: 10 000 ms. */
  readonly withinMs?: number | undefined;
  /** For errors. */
  readonly attempted?: string | undefined;
  readonly object?: string | undefined;
}

/**
 * One cluster (or one SVM's management interface), for as long as the process likes: it holds a pool of connections and
 * no other state, so any number of calls may run at once. Every method ends in options, with `signal` and `deadline`.
 *
 * Every call may throw OntapError (with ONTAP's own code and words where there are any) and InterruptedError. What is
 * safe to repeat is repeated, with growing, jittered waits: reads, changes marked `repeatable`, and anything that ONTAP
 * refused because it was busy or that never left.
 *
 *     await using client = new OntapRestClient({ host: 'cluster1.example.com', auth: { user, password } });
 *     for await (const { uuid, state } of client.records('/snapmirror/relationships', {
 *       query: { 'source.path': matches('svm1:*'), state: anyOf('paused', 'broken_off'), fields: ['state'] },
 *     })) { ... }
 */
export class OntapRestClient<Paths extends object = ourPaths> implements AsyncDisposable {
  readonly #connection: Connection;

  /** @throws ConfigError `CONFIG_INVALID` */
  constructor(options: OntapRestClientOptions) {
    this.#connection = new Connection(options);
  }

  /** What the cluster is called in errors and logs. */
  get cluster(): string {
    return this.#connection.cluster;
  }

  /** Reads one object, or one page of a list. */
  async get<P extends PathsWith<Paths, 'get'>>(
    path: P,
    ...[request]: RequestArgument<RequestOf<Paths, P, 'get'>>
  ): Promise<Answered<Paths, P, 'get'>> {
    return this.#body<P, 'get'>('get', path, request);
  }

  /** Sends a POST and returns its body as it is, with a job's link if there is one; see `change` for what follows it. */
  async post<P extends PathsWith<Paths, 'post'>>(
    path: P,
    ...[request]: RequestArgument<RequestOf<Paths, P, 'post'>>
  ): Promise<Answered<Paths, P, 'post'>> {
    return this.#body<P, 'post'>('post', path, request);
  }

  /** As `post`, with PATCH. */
  async patch<P extends PathsWith<Paths, 'patch'>>(
    path: P,
    ...[request]: RequestArgument<RequestOf<Paths, P, 'patch'> & Repeatable>
  ): Promise<Answered<Paths, P, 'patch'>> {
    return this.#body<P, 'patch'>('patch', path, request);
  }

  /** As `post`, with DELETE. */
  async delete<P extends PathsWith<Paths, 'delete'>>(
    path: P,
    ...[request]: RequestArgument<RequestOf<Paths, P, 'delete'> & Repeatable>
  ): Promise<Answered<Paths, P, 'delete'>> {
    return this.#body<P, 'delete'>('delete', path, request);
  }

  /** Reads bytes of a file: as many as there are in the range that the query names, which at the end of the file may be none. */
  async readBytes<P extends PathsWithBytes<Paths>>(
    path: P,
    request: ReadBytesRequestOf<Paths, P>,
  ): Promise<Uint8Array> {
    const { body } = await this.#connection.send({ ...toCall('get', path, request), download: true });
    return body as Uint8Array;
  }

  /**
   * Writes bytes into a file, a new one with POST. Say `repeatable` when the query names the offset (and, for POST, `overwrite`):
   * the bytes are then also sent again when an answer was lost.
   */
  async writeBytes<M extends 'post' | 'patch', P extends PathsTakingBytes<Paths, M>>(
    method: M,
    path: P,
    request: WriteBytesRequestOf<Paths, P, M>,
  ): Promise<void> {
    await this.#connection.send({ ...toCall(method, path, request), upload: request.bytes });
  }

  /**
   * Makes a change and says whether it is done or which job carries it on. A change whose answer was lost is never sent
   * again blindly: `repeatable` ones are, for the others `look` decides.
   * @throws OntapError `ONTAP_OUTCOME_UNKNOWN` when the answer was lost and looking did not settle it
   * @throws InterruptedError which leaves open whether the change was made, if it was under way
   */
  async change<M extends 'post' | 'patch' | 'delete', P extends PathsWith<Paths, M>>(
    method: M,
    path: P,
    ...[request]: RequestArgument<ChangeRequestOf<Paths, P, M>>
  ): Promise<Change<Answered<Paths, P, M>>> {
    const options: ChangeOptions = request ?? {};
    return (await change(this.#connection, toCall(method, path, request), options)) as Change<Answered<Paths, P, M>>;
  }

  /** Everything in a list, over all its pages, as it is consumed. */
  records<P extends PathsWithRecords<Paths>>(
    path: P,
    ...[request]: RequestArgument<RequestOf<Paths, P, 'get'>>
  ): AsyncGenerator<RecordOf<Paths, P>, void, undefined> {
    const call = toCall('get', path, request);
    return records(this.#connection, call) as AsyncGenerator<RecordOf<Paths, P>, void, undefined>;
  }

  /** How many objects a list has, without reading them. */
  count<P extends PathsWithRecords<Paths>>(
    path: P,
    ...[request]: RequestArgument<RequestOf<Paths, P, 'get'>>
  ): Promise<number> {
    return count(this.#connection, toCall('get', path, request));
  }

  /** A job as it stands; failed and purged jobs are values, not errors. */
  job(uuid: string, options: RequestOptions = {}): Promise<JobStatus> {
    return jobStatus(this.#connection, uuid, options);
  }

  /** Many jobs as they stand, in few requests; those whose records were purged are left out. */
  jobs(uuids: readonly string[], options: RequestOptions = {}): AsyncGenerator<JobStatus, void, undefined> {
    return jobStatuses(this.#connection, uuids, options);
  }

  /**
   * Waits until the job has succeeded, polling ever more slowly (0.25 to 10 s). A record that vanished is settled by
   * `look`; then the returned state is `gone`.
   * @throws OntapError with the job's own code when it failed; `ONTAP_OUTCOME_UNKNOWN` when its record vanished and
   *   looking did not settle it; what reading failed with when too many reads in a row did
   */
  waitForJob(uuid: string, options: WaitForJobOptions = {}): Promise<EndedJob> {
    return waitForJob(this.#connection, uuid, options);
  }

  /**
   * Reads until there is something: after a change ONTAP may for seconds not show it. `undefined` and `ONTAP_NOT_FOUND`
   * count as not there yet.
   * @throws OntapError `ONTAP_NOT_FOUND` when the time is over
   */
  async untilVisible<T>(
    read: (options: { readonly signal: AbortSignal }) => Promise<T | undefined>,
    options: VisibilityOptions = {},
  ): Promise<T> {
    const { withinMs = 10_000, attempted = 'wait until it is visible', object } = options;
    let missing: OntapError | undefined;
    const found = await growingWaits(
      this.#connection.env,
      { ...options, attempted, firstMs: 100, capMs: 1_000, withinMs },
      async (signal) => {
        try {
          return await read({ signal });
        } catch (error) {
          if (!(error instanceof OntapError) || error.code !== 'ONTAP_NOT_FOUND') throw error;
          missing = error;
          return undefined;
        }
      },
    );
    if (found !== undefined) return found;
    const message = `${attempted} on ${this.cluster}: not visible after ${withinMs} ms`;
    throw missing ?? new OntapError('ONTAP_NOT_FOUND', message, { attempted, object, cluster: this.cluster });
  }

  /** Waits for the requests under way and closes the connections; calls made afterwards fail. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #body<P extends PathsWith<Paths, M>, M extends Method>(
    method: M,
    path: P,
    request: UntypedRequest | undefined,
  ): Promise<Answered<Paths, P, M>> {
    const { body } = await this.#connection.send(toCall(method, path, request));
    return body as Answered<Paths, P, M>;
  }
}

/** What all typed requests have in common, once the types have done their work. */
type UntypedRequest = Omit<Call, 'method' | 'template' | 'opaque' | 'attempts'>;

function toCall(method: Method, template: string, request: UntypedRequest | undefined): Call {
  const { path, query, body, svm, timeoutMs, attempted, object, repeatable, signal, deadline } = request ?? {};
  return { method, template, path, query, body, svm, timeoutMs, attempted, object, repeatable, signal, deadline };
}
