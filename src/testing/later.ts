/**
 * Work that the world does later, as data: a function that goes by a name, and what it works on. A world is written to a
 * file with all that is yet to happen in it, so nothing may wait in a closure; the types see to it.
 */

/** Work to do later; what is only known then is given to it. */
export type Later<G extends readonly unknown[] = []> = ((...given: G) => void) & PlannedWork;

/** What is kept of the work in a file. */
export interface PlannedWork {
  readonly work: string;
  readonly on: unknown;
}

type Planner = (on: unknown) => Later<never[]>;

const PLANNERS = new Map<string, Planner>();

/**
 * Names a kind of work. The function must use nothing but its arguments: `on` is what a closure would have captured.
 * @throws Error when the name is taken
 */
export function later<W extends object, G extends readonly unknown[] = []>(
  name: string,
  work: (on: W, ...given: G) => void,
): (on: W) => Later<G> {
  if (PLANNERS.has(name)) throw new Error(`there are two kinds of work called ${name}`);
  const plan = (on: W): Later<G> => Object.assign((...given: G) => work(on, ...given), { work: name, on });
  PLANNERS.set(name, plan as unknown as Planner);
  return plan;
}

export function isPlanned(value: unknown): value is Later<never[]> {
  return typeof value === 'function' && 'work' in value && PLANNERS.has(String(value.work));
}

/** The work as it was planned, from what a file kept of it. @throws Error when this release knows no such work */
export function planned({ work, on }: PlannedWork): Later<never[]> {
  const plan = PLANNERS.get(work);
  if (!plan) throw new Error(`no work is called ${work}`);
  return plan(on);
}

/** The place of work where there is none. */
export const nothing = later('nothing', () => {});
