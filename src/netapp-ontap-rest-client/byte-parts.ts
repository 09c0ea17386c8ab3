/**
 * multipart/form-data, the form in which ONTAP's files endpoints take and give bytes: one part, called `data`. Bytes stay bytes, and
 * are copied once at most.
 */

/** How ONTAP is asked to answer with bytes. */
export const BYTES_ACCEPTED = 'multipart/form-data';

/**
 * The body of a request with one part, and its content type.
 * @param boundary must not occur in the bytes: a random one does not
 */
export function bytesAsPart(
  bytes: Uint8Array,
  boundary: string,
): { readonly type: string; readonly body: Uint8Array<ArrayBuffer> } {
  const head = ascii(
    `--${boundary}\r\nContent-Disposition: form-data; name="data"; filename="data"\r\nContent-Type: application/octet-stream\r\n\r\n`,
  );
  const tail = ascii(`\r\n--${boundary}--\r\n`);
  const body = new Uint8Array(head.length + bytes.length + tail.length);
  body.set(head);
  body.set(bytes, head.length);
  body.set(tail, head.length + bytes.length);
  return { type: `multipart/form-data; boundary=${boundary}`, body };
}

/** The bytes of an answer: of its first part, or all of it where it is application/octet-stream. Undefined when it is neither. */
export function bytesInAnswer(type: string | null, body: Uint8Array): Uint8Array | undefined {
  const media = type?.split(';')[0]?.trim().toLowerCase();
  if (media === 'application/octet-stream') return body;
  if (media !== 'multipart/form-data') return undefined;
  const [, quoted, plain] = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type ?? '') ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return undefined;
  const headEnd = indexOf(body, ascii('\r\n\r\n'), 0);
  if (headEnd < 0) return undefined;
  const start = headEnd + 4;
  const delimiter = ascii(`\r\n--${boundary}`);
  // The part is the last one as a rule, so that its end is near the end of the answer.
  const near = indexOf(body, delimiter, Math.max(start - 2, body.length - delimiter.length - 64));
  const end = near >= 0 ? near : indexOf(body, delimiter, start - 2);
  if (end < 0) return undefined;
  return end < start ? new Uint8Array() : body.subarray(start, end);
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array, from: number): number {
  const [first = 0] = wanted;
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}
