/** What a request to the control plane gives, checked; and how it is told that it does not fit. */
import type { z } from 'zod';

/** A request that cannot be served, with its status. */
export class Unfit extends Error {
  readonly status: number;
  readonly allowed: readonly string[] | undefined;

  constructor(message: string, status = 400, allowed?: readonly string[]) {
    super(message);
    this.status = status;
    this.allowed = allowed;
  }
}

/** @throws Unfit with every problem and its path */
export function fitting<T extends z.ZodType>(form: T, given: unknown): z.output<T> {
  const result = form.safeParse(given);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`,
  );
  throw new Unfit(problems.join('; '));
}
