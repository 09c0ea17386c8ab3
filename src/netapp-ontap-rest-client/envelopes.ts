/** What ONTAP wraps its answers in, validated at the edge. Unknown fields pass; a wrong type of a known one does not. */
import { z } from 'zod';

/** Codes are text in errors, numbers in jobs, and now and then the other way round. */
const code = z.union([z.string(), z.number()]).transform(String);

const errorBody = z.looseObject({
  code: code.optional(),
  message: z.string().optional(),
  target: z.string().optional(),
});
export type ErrorBody = z.infer<typeof errorBody>;

/** `{ error: { code, message, target } }`, also inside a success. */
export const errorEnvelope = z.looseObject({ error: errorBody });

/** A job's record, or the link to one: `state` and what follows are there only in a record. */
export const jobEnvelope = z.looseObject({
  uuid: z.string().optional(),
  state: z.string().optional(),
  /** 0, or the failure's code in releases that give no `error`. */
  code: code.optional(),
  message: z.string().optional(),
  description: z.string().optional(),
  error: errorBody.optional(),
});
export type JobEnvelope = z.infer<typeof jobEnvelope>;

const count = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);
const links = z.looseObject({ next: z.looseObject({ href: z.string() }).optional() });

/** A page of a list. */
export const pageEnvelope = z.looseObject({
  records: z.array(z.unknown()).optional(),
  num_records: count.optional(),
  _links: links.optional(),
});

/** The answer to a change: nothing, an object, one job, or (collections) many with a count. */
export const changeEnvelope = z.looseObject({
  job: jobEnvelope.optional(),
  jobs: z.array(jobEnvelope).optional(),
  num_records: count.optional(),
  num_jobs: count.optional(),
  _links: links.optional(),
});
export type ChangeEnvelope = z.infer<typeof changeEnvelope>;
