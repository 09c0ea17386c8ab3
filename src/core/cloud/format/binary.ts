/** Core, format: whole numbers, bytes and text in little endian. */
import { CloudError } from '../../../errors.ts';

const HIGH = 2 ** 32;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** @param value a safe integer from 0 on */
export function setU64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / HIGH);
  view.setUint32(at, value - high * HIGH, true);
  view.setUint32(at + 4, high, true);
}

/** @throws CloudError `CLOUD_CORRUPT` for a value that is not a safe integer */
export function getU64(view: DataView, at: number): number {
  const high = view.getUint32(at + 4, true);
  if (high >= 2 ** 21) throw new CloudError('CLOUD_CORRUPT', `a number at byte ${at} is beyond 2^53`);
  return high * HIGH + view.getUint32(at, true);
}

/** Safe integers, eight bytes each. */
export function putNumbers(numbers: Float64Array, target: Uint8Array, at: number): void {
  const view = viewOf(target);
  for (let i = 0; i < numbers.length; i++) setU64(view, at + 8 * i, numbers[i] ?? 0);
}

/** @throws CloudError `CLOUD_CORRUPT` for a value that is not a safe integer */
export function takeNumbers(source: Uint8Array, at: number, count: number): Float64Array {
  const view = viewOf(source);
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = getU64(view, at + 8 * i);
  return numbers;
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  let at = 0;
  if ((one.byteOffset | other.byteOffset | one.length) % 4 === 0) {
    const words = new Uint32Array(one.buffer, one.byteOffset, one.length / 4);
    const others = new Uint32Array(other.buffer, other.byteOffset, words.length);
    while (at < words.length && words[at] === others[at]) at++;
    return at === words.length;
  }
  while (at < one.length && one[at] === other[at]) at++;
  return at === one.length;
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** @throws CloudError `CLOUD_CORRUPT` for text that is not hexadecimal digits in pairs */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || /[^0-9a-f]/.test(text)) {
    throw new CloudError('CLOUD_CORRUPT', 'text that should be hexadecimal is not');
  }
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
}
