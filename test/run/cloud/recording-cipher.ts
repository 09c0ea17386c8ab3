/** Encryption under a watch: every nonce that is used, by the key that it is used with. */
import type { EncryptionKey } from '../../../src/compute/compute.ts';
import { nodeFormatTools } from '../../../src/compute/format-tools.ts';
import { InlineCompute } from '../../../src/compute/inline.ts';
import { decodeGroup, encodeObject } from '../../../src/core/cloud/format/object.ts';
import type { Cipher } from '../../../src/core/cloud/format/tools.ts';
import type { Sealing } from './rig.ts';

/** What was encrypted, over all runs of all writers. */
export class NonceRecord {
  seals = 0;
  /** Nonces by the 64 bytes that the key of a place is derived from. */
  readonly #nonces = new Map<string, Set<string>>();
  readonly repeated: string[] = [];

  add(associated: Uint8Array, sealed: Uint8Array): void {
    const key = hex(associated.subarray(0, 64));
    const nonce = hex(sealed.subarray(0, 12));
    const used = this.#nonces.get(key) ?? new Set();
    this.#nonces.set(key, used);
    if (used.has(nonce)) this.repeated.push(`${key} ${nonce}`);
    used.add(nonce);
    this.seals++;
  }

  /** The most nonces that one key was used with. */
  get mostOfOneKey(): number {
    return Math.max(...Array.from(this.#nonces.values(), ({ size }) => size));
  }
}

/** The tools and the compute of an encrypted endpoint, with what they encrypt recorded. */
export function recordedSealing(encryption: EncryptionKey, record: NonceRecord): Sealing {
  const watched = (cipher: Cipher | undefined): { cipher?: Cipher } => {
    if (cipher === undefined) return {};
    const seal: Cipher['seal'] = (plain, associated) => {
      const sealed = cipher.seal(plain, associated);
      record.add(associated, sealed);
      return sealed;
    };
    return { cipher: { ...cipher, seal } };
  };
  const tools = nodeFormatTools('sha-256', encryption);
  const compute = new InlineCompute({
    decodeGroup,
    encodeObject: (content, endpointId, given, options) =>
      encodeObject(content, endpointId, { ...given, ...watched(given.cipher) }, options),
  });
  return { tools: { ...tools, ...watched(tools.cipher) }, encryption, compute };
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
