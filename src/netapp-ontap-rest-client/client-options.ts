/** What a client is made from, checked, with the defaults filled in. */
import { type Env, systemEnv } from '../env.ts';
import { ConfigError, type ConfigProblem } from '../errors.ts';
import { base64, Scrubber } from './secrets.ts';

/** Sends one request: the shape of `fetch`. It must settle once `request.signal` is aborted, and must not follow redirects. */
export type Transport = (request: Request) => Promise<Response>;

/** Where the cluster (or one SVM's management interface) is. */
export type Address =
  | {
      /** A name or an address; IPv6 with or without brackets. */
      readonly host: string;
      /** Default: 443, or 80 for http. */
      readonly port?: number | undefined;
      readonly scheme?: 'https' | 'http' | undefined;
      readonly baseUrl?: undefined;
    }
  | {
      /** The URL that `/api` follows: `https://cluster1.example.com`, or with a prefix behind a reverse proxy. */
      readonly baseUrl: string;
      readonly host?: undefined;
      readonly port?: undefined;
      readonly scheme?: undefined;
    };

/** Who asks: user and password (sent with every request), or a client certificate. */
export type Auth =
  | { readonly user: string; readonly password: string; readonly certificate?: undefined; readonly key?: undefined }
  | {
      /** PEM, with intermediate certificates if there are any. */
      readonly certificate: string;
      /** PEM. */
      readonly key: string;
      readonly passphrase?: string | undefined;
      readonly user?: undefined;
      readonly password?: undefined;
    };

/** Which certificates to trust. */
export interface TlsOptions {
  /** PEM of the authorities to trust instead of the system's; a self-signed cluster certificate is its own. */
  readonly ca?: string | readonly string[] | undefined;
  /** `false` trusts any certificate, so anybody in between can read the password. Default: true. */
  readonly verify?: boolean | undefined;
  /** `false` takes any trusted certificate, whatever host it is for; for clusters whose certificates name no host. Default: true. */
  readonly verifyHost?: boolean | undefined;
}

/** How long and how often to try again what is safe to repeat. */
export interface RetryOptions {
  /** Attempts in all, the first included. Default: 5. */
  readonly attempts?: number | undefined;
  /** Time in all, from the first failure's start of waiting. Default: 60 000 ms. */
  readonly budgetMs?: number | undefined;
  /** Waits are drawn from 0 to this, doubled with every attempt (full jitter). Default: 250 ms. */
  readonly baseMs?: number | undefined;
  /** Upper limit of a drawn wait; a `Retry-After` may ask for more. Default: 10 000 ms. */
  readonly capMs?: number | undefined;
}

/** What a client is made from: where, who, and how patiently. */
export type OntapRestClientOptions = Address & {
  readonly auth: Auth;
  /** What the cluster is called in errors and logs. Default: its host. */
  readonly name?: string | undefined;
  readonly tls?: TlsOptions | undefined;
  /** Requests on the way to this cluster at once; more wait their turn. Default: 16. */
  readonly maxInFlight?: number | undefined;
  /** Default: 10 000 ms. */
  readonly connectTimeoutMs?: number | undefined;
  /** For one request, from its turn to the end of its answer; `return_timeout` is added to it. Default: 60 000 ms. */
  readonly requestTimeoutMs?: number | undefined;
  readonly retry?: RetryOptions | undefined;
  /** Instead of undici over the network. `tls` and client certificates are then the transport's business. */
  readonly transport?: Transport | undefined;
  /** Clock, randomness, logger and tracer; the system's, and silence, by default. */
  readonly env?: Partial<Env> | undefined;
};

/** The options with their defaults. */
export interface Settings {
  readonly name: string;
  /** Origin and prefix, without `/api` and without a slash at the end. */
  readonly base: string;
  readonly origin: string;
  readonly authorization: string | undefined;
  readonly certificate: Extract<Auth, { certificate: string }> | undefined;
  readonly ca: readonly string[] | undefined;
  readonly verify: boolean;
  readonly verifyHost: boolean;
  readonly maxInFlight: number;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly retry: { readonly [K in keyof RetryOptions]-?: number };
  readonly transport: Transport | undefined;
  readonly scrubber: Scrubber;
  readonly env: Env;
}

/** @throws ConfigError `CONFIG_INVALID` with every problem at once */
export function settingsFrom(options: OntapRestClientOptions): Settings {
  const problems: ConfigProblem[] = [];
  const problem = (option: string, message: string, expected?: string) =>
    problems.push({ section: '', option, message, expected });
  const positive = (option: string, value: number | undefined, fallback: number, whole = true): number => {
    const chosen = value ?? fallback;
    if (!(chosen > 0) || (whole && !Number.isInteger(chosen)))
      problem(option, `cannot be ${chosen}`, 'a number above 0');
    return chosen;
  };

  const url = addressUrl(options, problem);
  const { auth, tls, retry, env } = options;
  const basic = auth.certificate === undefined ? auth : undefined;
  if (basic?.user === '' || basic?.user.includes(':')) problem('auth.user', 'is empty or has a colon', 'a user name');
  if (auth.certificate !== undefined) {
    if (!auth.certificate.includes('-----BEGIN'))
      problem('auth.certificate', 'is not PEM', '-----BEGIN CERTIFICATE-----');
    if (!auth.key.includes('-----BEGIN')) problem('auth.key', 'is not PEM', '-----BEGIN PRIVATE KEY-----');
    if (url.protocol === 'http:') problem('auth.certificate', 'needs https', 'scheme https');
  }
  const ca = tls?.ca === undefined ? undefined : [tls.ca].flat();
  if (ca?.some((pem) => !pem.includes('-----BEGIN'))) problem('tls.ca', 'is not PEM', '-----BEGIN CERTIFICATE-----');

  const credentials = basic === undefined ? undefined : base64(`${basic.user}:${basic.password}`);
  const secrets = auth.certificate === undefined ? [auth.password] : [auth.key, auth.passphrase ?? ''];
  const settings: Settings = {
    name: options.name ?? url.host,
    base: url.origin + url.pathname.replace(/\/+$/, ''),
    origin: url.origin,
    authorization: credentials === undefined ? undefined : `Basic ${credentials}`,
    certificate: auth.certificate === undefined ? undefined : auth,
    ca,
    verify: tls?.verify ?? true,
    verifyHost: tls?.verifyHost ?? true,
    maxInFlight: positive('maxInFlight', options.maxInFlight, 16),
    connectTimeoutMs: positive('connectTimeoutMs', options.connectTimeoutMs, 10_000, false),
    requestTimeoutMs: positive('requestTimeoutMs', options.requestTimeoutMs, 60_000, false),
    retry: {
      attempts: positive('retry.attempts', retry?.attempts, 5),
      budgetMs: positive('retry.budgetMs', retry?.budgetMs, 60_000, false),
      baseMs: positive('retry.baseMs', retry?.baseMs, 250, false),
      capMs: positive('retry.capMs', retry?.capMs, 10_000, false),
    },
    transport: options.transport,
    scrubber: new Scrubber(credentials === undefined ? secrets : [...secrets, credentials]),
    env: systemEnv(env),
  };
  if (problems.length > 0) {
    const list = problems.map(({ option, message }) => `${option} ${message}`).join('; ');
    throw new ConfigError('CONFIG_INVALID', `the REST client's options cannot be used: ${list}`, {
      attempted: 'make a REST client',
      problems,
    });
  }
  return settings;
}

function addressUrl(options: Address, problem: (option: string, message: string, expected?: string) => void): URL {
  const nowhere = new URL('https://invalid.invalid');
  if (options.baseUrl !== undefined) {
    const url = URL.parse(options.baseUrl);
    if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
      problem('baseUrl', 'is not an http(s) URL', 'https://cluster1.example.com');
      return nowhere;
    }
    if (url.username !== '' || url.password !== '') problem('baseUrl', 'holds credentials', 'give them as `auth`');
    if (url.search !== '' || url.hash !== '')
      problem('baseUrl', 'has a query or a fragment', 'only what `/api` follows');
    return url;
  }
  const { host, port, scheme = 'https' } = options;
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536))
    problem('port', `cannot be ${port}`, '1-65535');
  const url = /[/?#@\s\\]/.test(host) ? null : URL.parse(`${scheme}://${bracketed}`);
  if (url === null || url.hostname === '' || url.port !== '') {
    problem(
      'host',
      `${JSON.stringify(host)} is not a host name or address`,
      'cluster1.example.com, 192.0.2.1 or 2001:db8::1',
    );
    return nowhere;
  }
  if (port !== undefined) url.port = String(port);
  return url;
}
