/** One verdict a case; what failed is told at once. */
export class Verdicts {
  passed = 0;
  failed = 0;
  readonly #say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  async judge(name: string, act: () => Promise<unknown>): Promise<void> {
    const startedAt = performance.now();
    try {
      await act();
      this.passed++;
      this.#say(`ok     ${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${name}`);
    } catch (error) {
      this.failed++;
      this.#say(`FAILED ${name}\n${error instanceof Error ? error.stack : error}`);
    }
  }
}
