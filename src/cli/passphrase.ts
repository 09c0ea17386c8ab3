/** Edge (layer 8): passphrases: from a file, the environment or the terminal, never from the command's arguments. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { KeyProvider } from '../compute/key-provider.ts';
import { passphraseKey } from '../compute/passphrase-key.ts';
import { ConfigError } from '../errors.ts';
import type { Terminal } from './terminal.ts';

/** Where a passphrase comes from, as a command was told. */
export interface PassphraseOptions {
  readonly passphraseFile?: string | undefined;
  readonly askPassphrase?: boolean | undefined;
}

/** Which passphrase: how it is called, and where it is unless a command says. */
export interface PassphraseKind {
  readonly what: string;
  readonly option: string;
  readonly variable: string;
}

/** What opens an endpoint. */
export const PRESENT_PASSPHRASE: PassphraseKind = {
  what: 'passphrase',
  option: 'passphrase-file',
  variable: 'DATAMOTION_PASSPHRASE',
};
/** What is to open it. */
export const NEW_PASSPHRASE: PassphraseKind = {
  what: 'new passphrase',
  option: 'new-passphrase-file',
  variable: 'DATAMOTION_NEW_PASSPHRASE',
};

/**
 * `undefined` when none is given. One that is asked for on the terminal is asked for when it is needed, and twice when
 * something is about to be encrypted with it.
 * @throws ConfigError `CONFIG_SECRET_MISSING` for a file that cannot be read or is empty, or where there is no terminal to ask on
 */
export async function givenPassphrase(
  terminal: Terminal,
  kind: PassphraseKind,
  { passphraseFile, askPassphrase }: PassphraseOptions,
): Promise<KeyProvider | undefined> {
  if (passphraseFile !== undefined) return passphraseKey(await firstLine(kind, passphraseFile));
  if (askPassphrase) return passphraseKey(asking(terminal, kind));
  const fromEnvironment = terminal.env[kind.variable];
  return fromEnvironment === undefined || fromEnvironment === '' ? undefined : passphraseKey(fromEnvironment);
}

async function firstLine(kind: PassphraseKind, file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw missing(kind, `${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`);
  });
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line === '') throw missing(kind, `the first line of ${file} is empty`);
  return line;
}

function asking(terminal: Terminal, kind: PassphraseKind): (use: 'wrap' | 'unwrap') => Promise<string> {
  let known: string | undefined;
  return async (use) => {
    if (known !== undefined) return known;
    const given = await ask(terminal, kind, kind.what);
    if (use === 'wrap' && (await ask(terminal, kind, `${kind.what} once more`)) !== given) {
      throw missing(kind, 'the two are not the same');
    }
    known = given;
    return given;
  };
}

/** Without showing what is typed. */
async function ask(terminal: Terminal, kind: PassphraseKind, prompt: string): Promise<string> {
  const { input, signal } = terminal;
  if (input === undefined || (input as { isTTY?: boolean }).isTTY !== true) {
    throw missing(kind, 'there is no terminal to ask on');
  }
  terminal.note(`${prompt}:`);
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: unseen, terminal: true });
  const ended = new AbortController();
  try {
    return await new Promise<string>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: ended.signal });
      // In raw mode the terminal leaves it to us what Ctrl-C means.
      lines.once('SIGINT', () => reject(missing(kind, 'it was not given')));
      lines.once('close', () => reject(missing(kind, 'it was not given')));
      lines.once('line', resolve);
    });
  } finally {
    ended.abort();
    lines.close();
  }
}

function missing({ what, option, variable }: PassphraseKind, problem: string): ConfigError {
  return new ConfigError('CONFIG_SECRET_MISSING', `no ${what}: ${problem}`, {
    object: what,
    problems: [{ section: '', option, message: problem }],
    remedy: `Give it by --${option}, by $${variable}, or on the terminal.`,
  });
}
