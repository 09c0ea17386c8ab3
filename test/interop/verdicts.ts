/** What the third-party clients did, as they said and as the simulated clusters show it: one verdict a check. */
import { isDeepStrictEqual } from 'node:util';

export class Verdicts {
  passed = 0;
  failed = 0;
  readonly #say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** `what` is a sentence; `detail` is said when it does not hold. */
  check(what: string, holds: boolean, detail = ''): void {
    if (holds) {
      this.passed++;
      return;
    }
    this.failed++;
    this.#say(`  FAILED: ${what}${detail === '' ? '' : `\n          ${detail}`}`);
  }

  equal(what: string, actual: unknown, expected: unknown): void {
    const shown = `got ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`;
    this.check(what, isDeepStrictEqual(actual, expected), shown);
  }
}
