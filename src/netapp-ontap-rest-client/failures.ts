/**
 * Every way a call can fail, as an OntapError: what ONTAP said is kept word for word, our code comes from the table, and
 * `details.effect` says whether a change can have been made (`none` or `unknown`).
 */
import { type ErrorFacts, OntapError, type OntapErrorCode } from '../errors.ts';
import { type ErrorBody, errorEnvelope, type JobEnvelope } from './envelopes.ts';
import { errorRow, statusRow } from './error-table.ts';
import type { Scrubber } from './secrets.ts';

/** What an error says about the call it comes from. */
export interface CallFacts {
  readonly cluster: string;
  /** `POST /snapmirror/relationships`, or the caller's phrase for it. */
  readonly attempted: string;
  readonly object: string | undefined;
  readonly method: string;
  /** Path and query as sent. */
  readonly path: string;
  readonly scrubber: Scrubber;
}

export type Effect = 'none' | 'unknown';

/** Whether the failed call can have changed anything. */
export function effectOf(error: unknown): Effect | undefined {
  const effect = error instanceof OntapError ? error.details['effect'] : undefined;
  return effect === 'none' || effect === 'unknown' ? effect : undefined;
}

/** Milliseconds that ONTAP asked to wait. */
export function retryAfterOf(error: unknown): number | undefined {
  const wait = error instanceof OntapError ? error.details['retryAfterMs'] : undefined;
  return typeof wait === 'number' ? wait : undefined;
}

/** What went wrong, without the words about what was attempted where. */
export function reasonIn(facts: CallFacts, error: OntapError): string {
  const before = prefix(facts);
  return error.message.startsWith(before) ? error.message.slice(before.length) : error.message;
}

/** ONTAP's error body, if the answer has one. A job's record, which has an `error` of its own, is told by its uuid. */
export function ontapErrorIn(body: unknown): ErrorBody | undefined {
  const parsed = errorEnvelope.safeParse(body);
  return parsed.success && parsed.data['uuid'] === undefined ? parsed.data.error : undefined;
}

/** An answer that says no. `body` is what was parsed, or the text that could not be. */
export function answerFailure(
  facts: CallFacts,
  answer: { readonly status: number; readonly body: unknown; readonly retryAfterMs: number | undefined },
): OntapError {
  const { status, body, retryAfterMs } = answer;
  const said = ontapErrorIn(body);
  if (said !== undefined) {
    const row = errorRow(said.code, said.message ?? '', status);
    return failure(facts, row.is ?? 'ONTAP_REJECTED', sentence(said.message, said.code), {
      remedy: row.remedy,
      ontap: said,
      status,
      effect: row.effectUnknown ? 'unknown' : 'none',
      details: { retryAfterMs },
    });
  }
  const row = statusRow(status);
  return failure(facts, row.is, `HTTP ${status} without an ONTAP error`, {
    remedy: row.remedy,
    status,
    effect: row.effectUnknown ? 'unknown' : 'none',
    details: { retryAfterMs, body: excerpt(body) },
  });
}

/** A success whose body is not what the API promises. */
export function badResponse(facts: CallFacts, what: string, status: number, body?: unknown): OntapError {
  return failure(facts, 'ONTAP_BAD_RESPONSE', what, {
    remedy: statusRow(status).remedy,
    status,
    effect: 'unknown',
    details: { body: excerpt(body) },
  });
}

/** An answer that ended before it was complete. */
export function cutShort(facts: CallFacts, status: number, cause: unknown): OntapError {
  return failure(facts, 'ONTAP_BAD_RESPONSE', 'the answer ended before it was complete', {
    remedy: 'Try again; if it persists, look for a proxy or an idle timeout in between.',
    status,
    retryable: true,
    effect: 'unknown',
    cause,
  });
}

export function timedOut(facts: CallFacts, timeoutMs: number): OntapError {
  return failure(facts, 'ONTAP_UNREACHABLE', `no answer within ${timeoutMs} ms`, {
    remedy: 'Check that the cluster is up and the network to it; a longer `timeoutMs` helps slow calls.',
    effect: 'unknown',
  });
}

/** The request cannot even be written: a body that is not JSON, a header or a query with impossible characters. */
export function unsendable(facts: CallFacts, cause: unknown): OntapError {
  return failure(facts, 'ONTAP_REJECTED', 'the request cannot be written', { effect: 'none', cause });
}

/** The transport failed: no answer came. */
export function transportFailure(facts: CallFacts, cause: unknown): OntapError {
  const { codes, connecting } = signsOf(cause);
  const tls = codes.find((code) => TLS_REMEDIES.some(([pattern]) => pattern.test(code)));
  if (tls !== undefined) {
    const remedy = TLS_REMEDIES.find(([pattern]) => pattern.test(tls))?.[1];
    return failure(facts, 'ONTAP_TLS', `TLS failed (${tls})`, { remedy, effect: 'none', cause });
  }
  const code = codes.find((candidate) => candidate in NETWORK_REMEDIES) ?? codes[0];
  const beforeSending = connecting || codes.some((candidate) => NEVER_SENT.has(candidate));
  return failure(facts, 'ONTAP_UNREACHABLE', `no answer${code === undefined ? '' : ` (${code})`}`, {
    remedy: NETWORK_REMEDIES[code ?? ''] ?? 'Check that the cluster is up and the network to it.',
    effect: beforeSending ? 'none' : 'unknown',
    cause,
  });
}

/** A job that ended in failure: both shapes, the top-level message and number, and `error` with its text code. */
export function jobFailure(facts: CallFacts, job: JobEnvelope): OntapError {
  const code = job.error?.code ?? (job.code === '0' ? undefined : job.code);
  const message = job.error?.message ?? job.message;
  const row = errorRow(code, message ?? '', undefined);
  return failure(facts, row.is ?? 'ONTAP_JOB_FAILED', `the job failed: ${sentence(message, code)}`, {
    remedy: row.remedy,
    ontap: { code, message, target: job.error?.target },
    details: { job: job.uuid, description: job.description },
  });
}

/** The answer to a change was lost, and nothing tells whether the change was made. */
export function outcomeUnknown(facts: CallFacts, why: string, cause?: unknown): OntapError {
  return failure(facts, 'ONTAP_OUTCOME_UNKNOWN', why, {
    remedy: 'Look at the object before doing it again.',
    effect: 'unknown',
    cause,
  });
}

/** Looking showed that the change, whose answer was lost, was not made. */
export function notHappened(facts: CallFacts, cause: unknown): OntapError {
  return failure(facts, 'ONTAP_UNREACHABLE', 'no answer came, and looking showed that the change was not made', {
    remedy: 'Do it again.',
    effect: 'none',
    cause,
  });
}

export function closed(facts: CallFacts): OntapError {
  return failure(facts, 'ONTAP_UNREACHABLE', 'the client is closed', { retryable: false, effect: 'none' });
}

interface FailureFacts {
  readonly remedy?: string | undefined;
  readonly ontap?: ErrorBody | undefined;
  readonly status?: number | undefined;
  readonly retryable?: boolean;
  readonly effect?: Effect;
  readonly details?: ErrorFacts['details'];
  readonly cause?: unknown;
}

/** The one place where this client's errors are built, so that nothing leaves it unscrubbed. */
function failure(facts: CallFacts, code: OntapErrorCode, what: string, more: FailureFacts): OntapError {
  const { scrubber } = facts;
  const clean = (text: string | undefined) => (text === undefined ? undefined : scrubber.text(text));
  // A read has no effect whatever became of its answer.
  const effect = facts.method === 'GET' && more.effect !== undefined ? 'none' : more.effect;
  const details = Object.fromEntries(
    Object.entries({ effect, ...more.details }).filter(([, value]) => value !== undefined),
  );
  return new OntapError(code, prefix(facts) + scrubber.text(what), {
    attempted: clean(facts.attempted),
    cluster: facts.cluster,
    object: clean(facts.object),
    remedy: more.remedy,
    retryable: more.retryable,
    status: more.status,
    ontapCode: more.ontap?.code,
    ontapMessage: clean(more.ontap?.message),
    ontapTarget: clean(more.ontap?.target),
    method: facts.method,
    path: clean(facts.path),
    details: scrubber.data(details) as Record<string, unknown>,
    cause: scrubber.cause(more.cause),
  });
}

function prefix({ attempted, cluster, scrubber }: CallFacts): string {
  return scrubber.text(`${attempted} on ${cluster}: `);
}

function sentence(message: string | undefined, code: string | undefined): string {
  return `${message ?? 'no message'}${code === undefined ? '' : ` (ONTAP code ${code})`}`;
}

function excerpt(body: unknown): string | undefined {
  if (body === undefined || body === '') return undefined;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}

const TLS_REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?))$/,
    'Give the certificate authority (or the self-signed certificate) as `tls.ca`; in a configuration file that is `tls.caFile`, or `netapp_ssl_cert_path` in cinder.conf.',
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    'Use a host name that the certificate names, or install a certificate for this one.',
  ],
  [/^CERT_HAS_EXPIRED$/, 'The certificate has expired: renew it on the cluster.'],
  [/^CERT_NOT_YET_VALID$/, 'The certificate is not valid yet: check the clocks of both sides.'],
  [
    /^(CERT_|CRL_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH)/,
    'The certificate is refused: check the chain that the cluster sends.',
  ],
  [
    /^(ERR_SSL_|ERR_OSSL_|ERR_TLS_|ERR_CRYPTO_|EPROTO)/,
    'The TLS handshake failed: check that the port speaks TLS, and the client certificate and key.',
  ],
];

const NETWORK_REMEDIES: Readonly<Record<string, string>> = {
  ENOTFOUND: 'The host name is not known: check it, and the name service.',
  EAI_AGAIN: 'The name service does not answer: check it.',
  ECONNREFUSED: 'Nothing listens there: check host and port, and that the cluster is up.',
  EHOSTUNREACH: 'There is no route to the cluster: check the network.',
  ENETUNREACH: 'There is no route to the cluster: check the network.',
  ETIMEDOUT: 'The cluster does not answer: check that it is up, and firewalls in between.',
  UND_ERR_CONNECT_TIMEOUT: 'The cluster does not answer: check that it is up, and firewalls in between.',
};

/** Failures that come before a byte of the request was sent. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
]);

/** Codes anywhere in the chain of causes, and whether the failure came while connecting. */
function signsOf(error: unknown): { readonly codes: readonly string[]; readonly connecting: boolean } {
  const codes: string[] = [];
  let connecting = false;
  const walk = (at: unknown, depth: number): void => {
    if (!(at instanceof Error) || depth > 5) return;
    const { code, syscall } = at as { code?: unknown; syscall?: unknown };
    if (typeof code === 'string') codes.push(code);
    connecting ||= syscall === 'connect' || /before secure TLS connection was established/.test(at.message);
    if (at instanceof AggregateError) for (const one of at.errors) walk(one, depth + 1);
    walk(at.cause, depth + 1);
  };
  walk(error, 0);
  return { codes, connecting };
}
