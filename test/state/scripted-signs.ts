import type { GivenSign, SignOfLife, SignsOfLife } from '../../src/state/sign-of-life.ts';

/** Processes that live until the test lets them die. */
export class ScriptedSigns implements SignsOfLife {
  readonly #alive = new Set<string>();
  /** What `isAlive` says of everybody, instead of the truth. */
  says: { readonly alive: boolean | undefined } | undefined;

  async give(_folder: string, token: string): Promise<SignOfLife> {
    this.#alive.add(token);
    return {
      given: { host: 'here', pid: '1', socket: token },
      end: async () => {
        this.#alive.delete(token);
      },
    };
  }

  async isAlive(_folder: string, { socket = '' }: GivenSign): Promise<boolean | undefined> {
    return this.says === undefined ? this.#alive.has(socket) : this.says.alive;
  }

  async forget(): Promise<void> {}

  /** All processes. */
  die(): void {
    this.#alive.clear();
  }
}
