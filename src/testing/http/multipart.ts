/** multipart/form-data, in which the files endpoints carry bytes. One character a byte: see message.ts. */
import { Refusal } from '../refusals.ts';
import type { SimRequest } from './message.ts';

const BOUNDARY = 'ontap_data_part_boundary';

export function isMultipart(contentType: string | undefined): boolean {
  return contentType?.toLowerCase().startsWith('multipart/form-data') ?? false;
}

/** The bytes of a request's first part, whatever it is called; undefined when the request is none of the kind. */
export function uploadOf({ headers, body = '' }: SimRequest): Uint8Array | undefined {
  const type = headers['content-type'];
  if (!isMultipart(type)) return undefined;
  const [, quoted, plain] = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type ?? '') ?? [];
  const delimiter = `--${quoted ?? plain ?? ''}`;
  const start = body.indexOf(delimiter);
  const head = body.indexOf('\r\n\r\n', start);
  const end = body.indexOf(`\r\n${delimiter}`, head + 2);
  if (start < 0 || head < 0 || end < 0) throw new Refusal('multipartInvalid');
  return Uint8Array.from(Buffer.from(body.slice(head + 4, end), 'latin1'));
}

/** One part called `data`; with a file's name, so that readers of forms take it for bytes. */
export function downloadOf(bytes: Uint8Array): { readonly type: string; readonly body: string } {
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="data"; filename="data"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  return {
    type: `multipart/form-data; boundary=${BOUNDARY}`,
    body: `${head}${Buffer.from(bytes).toString('latin1')}\r\n--${BOUNDARY}--\r\n`,
  };
}
