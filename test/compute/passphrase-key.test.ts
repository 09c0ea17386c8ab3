/** A passphrase as a key provider: its bytes by the document, scrypt by the RFC, and what it refuses. */
import { createDecipheriv, scryptSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { KeyContext } from '../../src/compute/key-provider.ts';
import { nodeKeyTools } from '../../src/compute/key-tools.ts';
import { passphraseKey } from '../../src/compute/passphrase-key.ts';

const CHEAP = { costLog2: 10, leastCostLog2: 10 };
const CONTEXT: KeyContext = { endpoint: '01020304-0506-0708-090a-0b0c0d0e0f10', keyId: '00'.repeat(16) };
const DATA_KEY = Uint8Array.from({ length: 32 }, (_, at) => at);
const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex');

/** Wrapped with the passphrase `correct horse` at a cost of 2^10. */
const GOLDEN =
  '01010a08010000006465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283000102030405060708090a0b10c1ae6246ff890fc9c17abe371c9eec463d26b23a3a147708fa079cf37cc9ba91ec10dc640c99879712797c0088f20d';

describe('a passphrase', () => {
  it('of the yardstick used here is that of RFC 7914, section 12', () => {
    const found = scryptSync('pleaseletmein', 'SodiumChloride', 64, { N: 16384, r: 8, p: 1, maxmem: 2 ** 26 });
    expect(hex(found)).toBe(
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2' +
        'd5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
    );
  });

  it('opens bytes that are known', async () => {
    const wrapped = Uint8Array.from(Buffer.from(GOLDEN, 'hex'));
    expect(hex(await passphraseKey('correct horse', CHEAP).unwrap(wrapped, CONTEXT))).toBe(hex(DATA_KEY));
  });

  it('wraps so that what the document says opens it by hand', async () => {
    const wrapped = await passphraseKey('correct horse', CHEAP).wrap(DATA_KEY, CONTEXT);
    expect(hex(wrapped.subarray(0, 8))).toBe('01010a0801000000');
    const key = scryptSync('correct horse', wrapped.subarray(8, 40), 32, { N: 1024, r: 8, p: 1 });
    const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(40, 52));
    decipher.setAAD(Buffer.concat([wrapped.subarray(0, 40), Buffer.from(`${CONTEXT.endpoint} ${CONTEXT.keyId}`)]));
    decipher.setAuthTag(wrapped.subarray(52, 68));
    expect(hex(Buffer.concat([decipher.update(wrapped.subarray(68)), decipher.final()]))).toBe(hex(DATA_KEY));
  });

  it('never wraps to the same bytes twice, so that no key of its own meets two texts', async () => {
    const provider = passphraseKey('correct horse', CHEAP);
    const all = await Promise.all(Array.from({ length: 5 }, () => provider.wrap(DATA_KEY, CONTEXT)));
    expect(new Set(all.map((wrapped) => hex(wrapped.subarray(8, 40)))).size).toBe(5);
    expect(new Set(all.map((wrapped) => hex(wrapped.subarray(40, 52)))).size).toBe(5);
  });

  it('is one however its letters were typed', async () => {
    const wrapped = await passphraseKey('Zürich', CHEAP).wrap(DATA_KEY, CONTEXT);
    expect(hex(await passphraseKey('Zu\u0308rich', CHEAP).unwrap(wrapped, CONTEXT))).toBe(hex(DATA_KEY));
  });

  it('that is another one opens nothing, and neither does the right one in another endpoint, or for another key', async () => {
    const provider = passphraseKey('correct horse', CHEAP);
    const wrapped = await provider.wrap(DATA_KEY, CONTEXT);
    expect(await passphraseKey('correct horse ', CHEAP).unwrap(wrapped, CONTEXT)).toBeUndefined();
    expect(await provider.unwrap(wrapped, { ...CONTEXT, endpoint: 'another' })).toBeUndefined();
    expect(await provider.unwrap(wrapped, { ...CONTEXT, keyId: '11'.repeat(16) })).toBeUndefined();
  });

  it('opens nothing of which a byte was changed', { timeout: 30_000 }, async () => {
    const provider = passphraseKey('correct horse', CHEAP);
    const wrapped = await provider.wrap(DATA_KEY, CONTEXT);
    for (let at = 0; at < wrapped.length; at++) {
      const changed = wrapped.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      const opened = await provider.unwrap(changed, CONTEXT).catch((error: { code?: string }) => error.code);
      expect([undefined, 'CONFIG_INVALID'], `byte ${at}`).toContain(opened);
    }
    await expect(provider.unwrap(wrapped.subarray(0, 99), CONTEXT)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('is not made cheaper to guess, nor dearer than a machine bears, by whoever writes to the store', async () => {
    const provider = passphraseKey('correct horse', { costLog2: 11, leastCostLog2: 11 });
    const cheap = await passphraseKey('correct horse', CHEAP).wrap(DATA_KEY, CONTEXT);
    await expect(provider.unwrap(cheap, CONTEXT)).rejects.toThrow(/cost of 2\^10/);
    const dear = cheap.slice().fill(40, 2, 3);
    await expect(provider.unwrap(dear, CONTEXT)).rejects.toThrow(/cost of 2\^40/);
    expect(() => passphraseKey('x', { costLog2: 14 })).toThrow(/2\^14/);
    expect(() => passphraseKey('x', { costLog2: 21 })).toThrow(/2\^21/);
    expect(() => passphraseKey('')).toThrow(/empty/);
  });

  it('that is asked for is asked for when it is needed, and is told what for', async () => {
    const asked: string[] = [];
    const provider = passphraseKey((use) => {
      asked.push(use);
      return 'correct horse';
    }, CHEAP);
    const wrapped = await provider.wrap(DATA_KEY, CONTEXT);
    expect(hex(await provider.unwrap(wrapped, CONTEXT))).toBe(hex(DATA_KEY));
    expect(asked).toEqual(['wrap', 'unwrap']);
  });
});

describe('the hidden name of an endpoint', () => {
  it('is known, and says nothing that can be read', async () => {
    expect(await nodeKeyTools.hiddenName('payroll')).toBe('e-6bef30d5c55213b797d024bc9d152a1d');
    expect(await nodeKeyTools.hiddenName('payroll2')).not.toContain('payroll');
  });
});
