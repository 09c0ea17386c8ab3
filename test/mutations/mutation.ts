/** One bug as a change of the source that puts it in, and what has to find it then. */
export interface Mutation {
  /** What is wrong with it: `defect 3: the abort never comes`. */
  readonly name: string;
  /** The invariant that it breaks, where there is one: `I3`. */
  readonly breaks?: string;
  /** Path of the source file, from the root of the project. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** What is run: a program (`node`, or one of node_modules/.bin) and its arguments. */
  readonly command: readonly string[];
  /** Stands in what the failing command prints: it fails for this reason, not for any. */
  readonly found: RegExp;
}

/**
 * Finds it by a test: `name` is a part of the titles of the tests of the file that are run, or of the `describe` around them, and one of
 * them has to fail.
 */
export function byTest(file: string, name: string): Pick<Mutation, 'command' | 'found'> {
  const pattern = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return { command: ['vitest', 'run', file, '--testNamePattern', pattern], found: /FAIL .* > / };
}
