/** Scripted faults: what goes wrong, with which requests, and how often. */
import { pathMatches } from './http/message.ts';

/** Which requests a fault meets. */
export interface FaultMatch {
  readonly method?: string;
  /** A pattern of the path below /api, `*` for anything: `/snapmirror/relationships/*`. */
  readonly path?: string | RegExp;
  /** How often it strikes; default once. `Infinity` until removed. */
  readonly times?: number;
  /** How many matching requests pass unharmed first. */
  readonly after?: number;
}

/**
 * - `refuse` the connection is refused; `reset` it is cut before the request is looked at
 * - `latency` the answer takes `ms` longer
 * - `answer-lost` the connection is cut without an answer, `before` or `after` the request took effect
 * - `http` this status is answered, with a code of ONTAP's and Retry-After where given, and nothing is done
 * - `busy` the request is refused with code 6619715, as while a modification is in progress
 * - `job-fails` the job that the request starts fails with the code, without or with (`afterEffect`) its effect; `lateMs`
 *   later than it would have ended
 * - `job-vanishes` the record of the job is gone as soon as the job has ended
 * - `stale-read` a GET shows relationships and their transfers as they were `ms` ago
 * - `truncated` the answer is cut in the middle of its body; `malformed` its body is not JSON, or this `body`
 * - `transfer-stalls` the transfer that the request starts never ends by itself: a quiesce never drains
 * - `transfer-fails` the transfer that the request starts fails half-way; `transfer-aborted` somebody aborts it half-way
 * - `cluster-gone` the cluster dies before it looks at the request, and revives after `ms`
 * - `clock-jump` the clock of all clusters is set `ms` ahead (back when negative) before the request is looked at; what is
 *   under way takes as long as it would have
 */
export type Fault = FaultMatch &
  (
    | { readonly kind: 'refuse' | 'reset' | 'busy' | 'truncated' | 'job-vanishes' }
    | { readonly kind: 'transfer-stalls' }
    | { readonly kind: 'malformed'; readonly body?: string }
    | { readonly kind: 'latency'; readonly ms: number }
    | { readonly kind: 'answer-lost'; readonly when: 'before' | 'after' }
    | {
        readonly kind: 'http';
        readonly status: number;
        readonly code?: string;
        readonly message?: string;
        readonly retryAfterSeconds?: number;
      }
    | {
        readonly kind: 'job-fails';
        readonly code: string;
        readonly message?: string;
        readonly afterEffect?: boolean;
        readonly lateMs?: number;
      }
    | { readonly kind: 'stale-read'; readonly ms: number }
    | { readonly kind: 'cluster-gone'; readonly ms: number }
    | { readonly kind: 'clock-jump'; readonly ms: number }
    | { readonly kind: 'transfer-aborted' }
    | { readonly kind: 'transfer-fails'; readonly message?: string }
  );

/** What can go wrong on demand. */
export type FaultKind = Fault['kind'];
/** A fault of one kind. */
export type FaultOf<K extends FaultKind> = Extract<Fault, { readonly kind: K }>;

/** The faults of one cluster: those added, in that order, and those drawn. */
export class Faults {
  private scripted: ScriptedFault[] = [];
  private nextId = 1;
  private drawn: { readonly from: FaultSource; readonly cluster: string } | undefined;

  /** Returns the way to remove it. */
  add(fault: Fault): () => void {
    const entry = { id: this.nextId++, fault, passed: 0, struck: 0 };
    this.scripted.push(entry);
    return () => this.remove(entry.id);
  }

  /** Those that are still to strike, in the order they were added. */
  list(): readonly Readonly<ScriptedFault>[] {
    return this.scripted;
  }

  remove(id: number): void {
    this.scripted = this.scripted.filter((entry) => entry.id !== id);
  }

  clear(): void {
    this.scripted = [];
  }

  /** Besides those added, faults as they are drawn for a cluster; undefined for none. */
  draw(from: FaultSource | undefined, cluster: string): void {
    this.drawn = from && { from, cluster };
  }

  /** The faults that strike this request; each is counted. */
  strike(method: string, path: string): StruckFaults {
    const struck: Fault[] = [];
    for (const entry of this.scripted) {
      if (!matches(entry.fault, method, path)) continue;
      if (entry.passed++ < (entry.fault.after ?? 0)) continue;
      entry.struck++;
      struck.push(entry.fault);
    }
    this.scripted = this.scripted.filter(({ fault, struck: count }) => count < (fault.times ?? 1));
    const drawn = this.drawn?.from.draw(this.drawn.cluster, method, path);
    return new StruckFaults(drawn ? [...struck, drawn] : struck);
  }
}

/** Where faults come from that nobody added. */
export interface FaultSource {
  /** The fault that a request to a cluster meets, if any. */
  draw(cluster: string, method: string, path: string): Fault | undefined;
}

/** A fault of a cluster, and what has become of it so far. */
export interface ScriptedFault {
  /** Its number among the faults of its cluster. */
  readonly id: number;
  readonly fault: Fault;
  /** Requests that it fitted. */
  passed: number;
  struck: number;
}

/** The faults that one request meets. */
export class StruckFaults {
  private readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[] = []) {
    this.faults = faults;
  }

  get<K extends FaultKind>(kind: K): FaultOf<K> | undefined {
    return this.faults.find((fault): fault is FaultOf<K> => fault.kind === kind);
  }
}

function matches(fault: Fault, method: string, path: string): boolean {
  if (fault.method !== undefined && fault.method.toUpperCase() !== method) return false;
  if (fault.path === undefined) return true;
  if (fault.path instanceof RegExp) return fault.path.test(path);
  return pathMatches(fault.path, path);
}
