/** Encrypted endpoints by the command: where passphrases come from, who is refused, and what is left to see in the store. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { givenPassphrase, PRESENT_PASSPHRASE } from '../../src/cli/passphrase.ts';
import { Terminal } from '../../src/cli/terminal.ts';
import { passphraseKey } from '../../src/compute/passphrase-key.ts';
import { datamotion, Folder } from './command-line.ts';

describe('datamotion cloud with a passphrase', { timeout: 120_000 }, () => {
  it('backs up, refuses another passphrase and none, changes it, restores; nothing of it shows in the store', async () => {
    using folder = new Folder();
    const image = folder.file('payroll.img', 'the plaintext of a block'.repeat(2000));
    const store = join(folder.path, 'store');
    const at = ['--store', store, '--name', 'payroll', '--json'];
    const old = folder.file('old', 'correct horse\nonly the first line counts\n');
    const fresh = folder.file('new', 'battery staple');
    const env = { XDG_STATE_HOME: join(folder.path, 'states') };
    const cloud = (...argv: string[]) => datamotion(['cloud', ...argv, ...at], { env });
    const backup = await cloud('backup', image, '--passphrase-file', old, '--snapshot-name', 'payday');
    expect(backup.stderr).not.toContain('error');
    expect(backup.json()).toMatchObject({ outcome: 'baseline' });

    for (const refused of [await cloud('list'), await cloud('list', '--passphrase-file', fresh)]) {
      expect(refused.exitCode).toBe(1);
      expect(refused.json()).toMatchObject({ error: { code: 'CLOUD_KEY_WRONG' } });
    }
    const inTheEnvironment = {
      ...env,
      DATAMOTION_PASSPHRASE: 'correct horse',
      DATAMOTION_NEW_PASSPHRASE: 'battery staple',
    };
    const rekeyed = await datamotion(['cloud', 'rekey', ...at], { env: inTheEnvironment });
    expect(rekeyed.json()).toMatchObject({ added: { provider: 'passphrase' }, removed: [{}] });
    expect((await cloud('list', '--passphrase-file', old)).exitCode).toBe(1);

    const to = join(folder.path, 'restored.img');
    expect((await cloud('restore', '--passphrase-file', fresh, '--to', to)).exitCode).toBe(0);
    expect(readFileSync(to).equals(readFileSync(image))).toBe(true);

    const shown = filesBelow(store).map((path) => `${path}\n${readFileSync(path, 'latin1')}`);
    expect(shown.length).toBeGreaterThan(4);
    for (const secret of ['payroll', 'payday', 'plaintext', 'correct horse', 'battery', 'states']) {
      expect(shown.filter((file) => file.includes(secret)).map((file) => file.split('\n')[0])).toEqual([]);
    }
  });

  it('says what is wrong with a passphrase that cannot be had', async () => {
    using folder = new Folder();
    const at = ['--store', join(folder.path, 'store'), '--name', 'v'];
    const empty = folder.file('empty', '\nsecond line');
    for (const [argv, text] of [
      [['--passphrase-file', join(folder.path, 'none')], /cannot be read/],
      [['--passphrase-file', empty], /first line of .* is empty/],
    ] as const) {
      const { exitCode, stderr } = await datamotion(['cloud', 'list', ...at, ...argv]);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(text);
      expect(stderr).toContain('--passphrase-file');
    }
    const rekey = await datamotion(['cloud', 'rekey', ...at], { env: { DATAMOTION_PASSPHRASE: 'x' } });
    expect(rekey.exitCode).toBe(2);
    expect(rekey.stderr).toContain('no new passphrase');
    const asked = await datamotion(['cloud', 'backup', empty, ...at, '--ask-passphrase']);
    expect(asked.stderr).toContain('there is no terminal to ask on');
  });
});

describe('a passphrase that is asked for', () => {
  const CONTEXT = { endpoint: 'e', keyId: 'k' };

  function terminalWith(...lines: string[]) {
    const input = Object.assign(new PassThrough(), { isTTY: true });
    const shown: string[] = [];
    const stream = { write: (text: string) => void shown.push(text) };
    const write = stream.write;
    // Each line is typed when it is asked for.
    stream.write = (text) => {
      write(text);
      const line = lines.shift();
      setImmediate(() => (line === undefined ? input.end() : input.write(`${line}\r`)));
    };
    const world = { stdout: stream, stderr: stream, stdin: input, env: {}, signal: new AbortController().signal };
    return { terminal: new Terminal(world, { json: false }), shown };
  }

  const given = (terminal: Terminal) => givenPassphrase(terminal, PRESENT_PASSPHRASE, { askPassphrase: true });

  it('is asked for twice before something is encrypted with it, and never shown', async () => {
    const { terminal, shown } = terminalWith('correct horse', 'correct horse');
    const provider = await given(terminal);
    const wrapped = await provider?.wrap(new Uint8Array(32), CONTEXT);
    expect(shown).toEqual(['passphrase:\n', 'passphrase once more:\n']);
    expect(await passphraseKey('correct horse').unwrap(wrapped ?? new Uint8Array(), CONTEXT)).toBeDefined();
    // It is known by now.
    expect(await provider?.unwrap(wrapped ?? new Uint8Array(), CONTEXT)).toBeDefined();
    expect(shown).toHaveLength(2);
  });

  it('is refused when the two are not the same, and when none is given', async () => {
    const slip = await given(terminalWith('correct horse', 'correct hoarse').terminal);
    await expect(slip?.wrap(new Uint8Array(32), CONTEXT)).rejects.toMatchObject({ code: 'CONFIG_SECRET_MISSING' });
    const none = await given(terminalWith().terminal);
    await expect(none?.wrap(new Uint8Array(32), CONTEXT)).rejects.toMatchObject({ code: 'CONFIG_SECRET_MISSING' });
  });
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}
