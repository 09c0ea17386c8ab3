/** A caller of `datamotion rpc` in this process: lines in, lines out. */
import { PassThrough } from 'node:stream';
import { runCommandLine } from '../../src/cli/program.ts';

export interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Record<string, unknown> };
}

/** One server, and what a caller does with it. */
export class Rpc {
  readonly #input = new PassThrough();
  readonly messages: Message[] = [];
  readonly #waiting: { readonly fits: (message: Message) => boolean; readonly found: (message: Message) => void }[] =
    [];
  readonly exitCode: Promise<number>;
  stderr = '';
  #id = 0;

  constructor(config: string, signal = new AbortController().signal, ...options: readonly string[]) {
    const stdout = {
      write: (text: string) => {
        for (const line of text.trimEnd().split('\n')) this.#receive(line);
      },
    };
    const stderr = {
      write: (text: string) => {
        this.stderr += text;
      },
    };
    const world = { stdout, stderr, stdin: this.#input, env: {}, signal };
    this.exitCode = runCommandLine(['rpc', '--config', config, ...options], world, '0.0.0-test');
  }

  #receive(line: string): void {
    const message = JSON.parse(line) as Message;
    this.messages.push(message);
    for (const { fits, found } of this.#waiting) if (fits(message)) found(message);
  }

  /** The next message that fits, or one that came already. */
  next(fits: (message: Message) => boolean): Promise<Message> {
    const there = this.messages.find(fits);
    return there ? Promise.resolve(there) : new Promise((found) => this.#waiting.push({ fits, found }));
  }

  send(text: string): void {
    this.#input.write(`${text}\n`);
  }

  call(method: string, params?: unknown): { readonly id: number; readonly answer: Promise<Message> } {
    const id = ++this.#id;
    this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return { id, answer: this.next((message) => message.id === id) };
  }

  end(): Promise<number> {
    this.#input.end();
    return this.exitCode;
  }
}
