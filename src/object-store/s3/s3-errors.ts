/**
 * What a failed S3 request means for an object store. The SDK's own errors are not handed on, not even as a cause: they
 * carry what the server repeated of the request (access key, signature, string to sign).
 */
import {
  DataMotionError,
  type ErrorFacts,
  ObjectStoreError,
  type ObjectStoreErrorCode,
  redactText,
} from '../../errors.ts';

/** What was asked of which place. */
export interface S3Attempt {
  readonly attempted: string;
  /** The key as the store's user knows it; absent where the bucket as a whole is meant. */
  readonly key: string | undefined;
  readonly bucket: string;
  readonly place: string;
}

/** Errors of this library pass as they are; all else becomes an ObjectStoreError. */
export function s3ErrorOf(error: unknown, attempt: S3Attempt): unknown {
  if (error instanceof DataMotionError) return error;
  const said = answerOf(error);
  return s3Failure(attempt, meaningOf(said), said);
}

/** What a server said of one key of many. */
export function s3KeyError(attempt: S3Attempt, code: string, message: string): ObjectStoreError {
  const said = { code, message: withoutSecrets(message), status: undefined, requestId: undefined };
  return s3Failure(attempt, meaningOf(said), said);
}

/** An answer that is none of S3's: cut off, or not what the request asked for. */
export function badAnswer(attempt: S3Attempt, problem: string): ObjectStoreError {
  const answer = { code: 'BadAnswer', message: problem, status: undefined, requestId: undefined };
  return s3Failure(attempt, { code: 'OBJECT_STORE_UNAVAILABLE', retryable: true }, answer);
}

export function s3Failure(attempt: S3Attempt, { code, retryable, remedy }: Meaning, said: S3Answer): ObjectStoreError {
  const { attempted, key, bucket, place } = attempt;
  const what = key === undefined ? place : `${key} in ${place}`;
  const text = redactText(
    `${said.code}${said.message === '' || said.message === said.code ? '' : `: ${said.message}`}`,
  );
  const facts: ErrorFacts = {
    attempted,
    retryable: retryable ?? false,
    remedy,
    details: { bucket, place, s3Code: said.code, status: said.status, requestId: said.requestId },
    cause: new Error(text),
  };
  return new ObjectStoreError(code, `could not ${attempted} (${what}): ${text}`, { ...facts, key });
}

/** What the server, the SDK or the network said. */
interface S3Answer {
  /** S3's error code, or the name or errno of a failure on the way. */
  readonly code: string;
  readonly message: string;
  /** HTTP status, absent when no answer came. */
  readonly status: number | undefined;
  readonly requestId: string | undefined;
}

function answerOf(error: unknown): S3Answer {
  if (!(error instanceof Error)) return { code: 'Unknown', message: '', status: undefined, requestId: undefined };
  const { $metadata, code, Code } = error as Error & {
    readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
    readonly code?: unknown;
    readonly Code?: unknown;
  };
  const status = $metadata?.httpStatusCode;
  const named = [Code, code].find((each) => typeof each === 'string' && each !== '');
  return {
    // An answer without a body has only a status: the SDK calls it by made-up names.
    code:
      status !== undefined && MADE_UP.has(error.name) && named === undefined
        ? `HTTP ${status}`
        : `${named ?? error.name}`,
    message: withoutSecrets(error.message),
    status,
    requestId: $metadata?.requestId,
  };
}

const MADE_UP = new Set(['Error', 'UnknownError', 'Unknown', 'S3ServiceException']);

/** Servers repeat access keys in their messages. */
function withoutSecrets(message: string): string {
  if (message === 'UnknownError') return '';
  return message.replace(/\b(AKIA|ASIA)[A-Z0-9]{12,}\b/g, '[redacted]').split('\n', 1)[0] ?? '';
}

/** A row of the table below. */
interface Meaning {
  readonly code: ObjectStoreErrorCode;
  readonly retryable?: boolean | undefined;
  readonly remedy?: string | undefined;
}

function meaningOf({ code, status, message }: S3Answer): Meaning {
  const row = MEANINGS.find(({ s3 }) => s3.includes(code));
  if (row !== undefined) return row;
  // The connection broke in the middle of an answer: its status alone is no answer.
  if (ERRNO.test(code)) return UNAVAILABLE;
  if (CERTIFICATE.test(code) || CERTIFICATE.test(message)) return UNTRUSTED;
  if (status === undefined) return { code: 'OBJECT_STORE_UNAVAILABLE', retryable: true };
  return BY_STATUS.find(({ from, to }) => status >= from && status <= to) ?? UNEXPECTED;
}

const UNAVAILABLE = { code: 'OBJECT_STORE_UNAVAILABLE', retryable: true } as const;
const UNEXPECTED: Meaning = UNAVAILABLE;
const ERRNO = /^E[A-Z]{3,}$/;
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|certificate/;
const UNTRUSTED: Meaning = {
  code: 'OBJECT_STORE_UNAVAILABLE',
  retryable: false,
  remedy: "Make the server's certificate trusted (NODE_EXTRA_CA_CERTS), or correct the host of the endpoint.",
};

const MEANINGS: readonly (Meaning & { readonly s3: readonly string[] })[] = [
  { code: 'OBJECT_STORE_NOT_FOUND', s3: ['NoSuchKey', 'NotFound', 'NoSuchVersion'] },
  { code: 'OBJECT_STORE_EXISTS', s3: ['PreconditionFailed'] },
  { code: 'OBJECT_STORE_BAD_RANGE', s3: ['InvalidRange'] },
  {
    code: 'OBJECT_STORE_UNSUPPORTED',
    s3: ['NoSuchBucket', 'InvalidBucketName'],
    remedy: 'Create the bucket, or correct its name and the endpoint.',
  },
  {
    code: 'OBJECT_STORE_UNSUPPORTED',
    s3: ['PermanentRedirect', 'Redirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'],
    remedy: "Say the bucket's own region (region=...), or its endpoint.",
  },
  {
    code: 'OBJECT_STORE_UNSUPPORTED',
    s3: ['NotImplemented', 'MethodNotAllowed', 'XNotImplemented', 'InvalidStorageClass'],
  },
  {
    code: 'OBJECT_STORE_DENIED',
    s3: ['AccessDenied', 'AllAccessDisabled', 'AccountProblem', 'InvalidPayer'],
    remedy: 'Give these credentials the right to do this in the bucket.',
  },
  {
    code: 'OBJECT_STORE_DENIED',
    s3: [
      ...['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'ExpiredToken', 'TokenRefreshRequired'],
      ...['CredentialsProviderError', 'InvalidSecurity', 'NotSignedUp', 'ExpiredTokenException', 'TokenProviderError'],
    ],
    remedy:
      'Give credentials by the standard AWS environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile).',
  },
  // The SDK learns the difference of the clocks from such an answer, so the next attempt is signed by the server's time.
  { ...UNAVAILABLE, s3: ['RequestTimeTooSkewed', 'RequestExpired'], remedy: "Set this machine's clock." },
  {
    ...UNAVAILABLE,
    s3: [
      ...['SlowDown', 'ServiceUnavailable', 'InternalError', 'RequestTimeout', 'Throttling', 'ThrottlingException'],
      ...['TooManyRequests', 'RequestLimitExceeded', 'BandwidthLimitExceeded', 'ServerBusy', 'RequestThrottled'],
      // Another request for the key was under way; an upload in parts that somebody ended.
      ...['OperationAborted', 'ConditionalRequestConflict', 'NoSuchUpload', 'InvalidPart'],
      // Damaged on its way: what was to be sent was checked before.
      ...['BadDigest', 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch', 'IncompleteBody', 'InvalidDigest'],
    ],
  },
  {
    code: 'OBJECT_STORE_NO_SPACE',
    s3: ['QuotaExceeded', 'EntityTooLarge', 'XMinioStorageFull', 'InsufficientCapacity', 'TooManyObjects'],
    remedy: "Raise the bucket's quota, or free space.",
  },
  { code: 'OBJECT_STORE_INVALID_KEY', s3: ['KeyTooLongError', 'KeyTooLong', 'InvalidURI', 'InvalidObjectName'] },
  {
    code: 'OBJECT_STORE_UNAVAILABLE',
    s3: ['InvalidObjectState'],
    remedy:
      'The object is in an archive: bring it back (RestoreObject), and keep backups in classes that are read at once.',
  },
  {
    code: 'OBJECT_STORE_UNAVAILABLE',
    s3: ['ENOTFOUND', 'EAI_NONAME', 'ERR_INVALID_URL'],
    remedy: 'Correct the endpoint. Where buckets have no names of their own in DNS, say pathStyle=yes.',
  },
];

const BY_STATUS: readonly (Meaning & { readonly from: number; readonly to: number })[] = [
  { from: 200, to: 299, ...UNAVAILABLE },
  { from: 300, to: 399, code: 'OBJECT_STORE_UNSUPPORTED', remedy: "Say the bucket's own region, or its endpoint." },
  { from: 401, to: 401, code: 'OBJECT_STORE_DENIED' },
  { from: 403, to: 403, code: 'OBJECT_STORE_DENIED' },
  { from: 404, to: 404, code: 'OBJECT_STORE_NOT_FOUND' },
  { from: 408, to: 409, ...UNAVAILABLE },
  { from: 412, to: 412, code: 'OBJECT_STORE_EXISTS' },
  { from: 416, to: 416, code: 'OBJECT_STORE_BAD_RANGE' },
  { from: 429, to: 429, ...UNAVAILABLE },
  { from: 400, to: 499, code: 'OBJECT_STORE_UNSUPPORTED' },
  { from: 501, to: 501, code: 'OBJECT_STORE_UNSUPPORTED' },
  { from: 507, to: 507, code: 'OBJECT_STORE_NO_SPACE' },
  { from: 500, to: 599, ...UNAVAILABLE },
];
