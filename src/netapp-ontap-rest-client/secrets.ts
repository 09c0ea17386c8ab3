/** Keeps the client's own secrets out of everything it says, also when ONTAP or a proxy echoes them. */
import { DataMotionError, redact, redactText } from '../errors.ts';

const REDACTED = '[redacted]';

export class Scrubber {
  /** Longest first, so that a form that holds another is replaced as a whole. */
  readonly #forms: readonly string[];

  constructor(secrets: readonly string[]) {
    const forms = new Set(secrets.filter((secret) => secret !== '').flatMap(writtenForms));
    this.#forms = [...forms].sort((a, b) => b.length - a.length);
  }

  /** Text without the secrets in any form that they travel in. */
  text(text: string): string {
    let clean = text;
    for (const form of this.#forms) clean = clean.replaceAll(form, REDACTED);
    return redactText(clean);
  }

  /** Plain data without them, deeply. */
  data(value: unknown): unknown {
    return this.#strings(redact(value));
  }

  /** What went wrong below us, as a cause that is safe to log: name, code and message, without the stack's copy of it. */
  cause(error: unknown, depth = 0): Error | undefined {
    if (error instanceof DataMotionError) return error;
    if (!(error instanceof Error)) return error === undefined ? undefined : new Error(this.text(String(error)));
    const inner = depth < 4 ? this.cause(error.cause, depth + 1) : undefined;
    const copy = new Error(this.text(error.message), inner === undefined ? undefined : { cause: inner });
    copy.name = error.name;
    copy.stack = `${copy.name}: ${copy.message}`;
    const code = (error as { code?: unknown }).code;
    return typeof code === 'string' ? Object.assign(copy, { code }) : copy;
  }

  #strings(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null || value instanceof Error) return value;
    if (Array.isArray(value)) return value.map((item) => this.#strings(item));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#strings(item)]));
  }
}

/** A secret as it is, in a URL, in a form, in JSON and in base64. */
function writtenForms(secret: string): string[] {
  const encoded = encodeURIComponent(secret);
  const inQuery = encoded.replaceAll("'", '%27');
  return [
    secret,
    encoded,
    inQuery,
    inQuery.replaceAll('%20', '+'),
    JSON.stringify(secret).slice(1, -1),
    base64(secret),
  ];
}

/** Base64 of the text's UTF-8. */
export function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
