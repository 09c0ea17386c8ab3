/**
 * Edge (layer 8): hooks over JSON-RPC: the server sends a `hook` notification with a question's number and what it is about, and the
 * caller answers by `answerHook`.
 */

/** What a caller says to a question. */
export interface HookAnswer {
  readonly question: number;
  readonly ok: boolean;
  /** What went wrong, or a verdict. */
  readonly text?: string | undefined;
}

const GONE = 'the caller is gone';

export class HookQuestions {
  readonly #send: (document: unknown) => void;
  readonly #open = new Map<number, (answer: HookAnswer) => void>();
  #closed = false;
  #last = 0;

  constructor(send: (document: unknown) => void) {
    this.#send = send;
  }

  /** Resolves with the text of the answer; rejects where that is a no, or with the signal. */
  ask(about: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<string | undefined> {
    const question = ++this.#last;
    return new Promise<string | undefined>((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#closed) throw new Error(GONE);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      this.#open.set(question, ({ ok, text }) =>
        ok ? resolve(text) : reject(new Error(text ?? 'the caller said no')),
      );
      this.#send({ jsonrpc: '2.0', method: 'hook', params: { question, ...about } });
    }).finally(() => this.#open.delete(question));
  }

  /** Nobody answers any more: what is asked and will be asked is a no. */
  close(): void {
    this.#closed = true;
    for (const [question, take] of this.#open) take({ question, ok: false, text: GONE });
  }

  /** False: nobody waits for this answer any more. */
  answer(answer: HookAnswer): boolean {
    const take = this.#open.get(answer.question);
    take?.(answer);
    return take !== undefined;
  }
}
