/** Core (layer 1): the problems and notes of one resolution, and the places they point at. */
import type { ReplicationProblem } from './configuration.ts';
import type { RawAssignment, RawDocument, RawSection } from './raw-document.ts';

/** Problems and notes, each once: what is wrong in [backend_defaults] is wrong for every backend. */
export class Findings {
  readonly #problems = new Map<string, ReplicationProblem>();
  readonly #notes = new Map<string, ReplicationProblem>();

  constructor(document: RawDocument) {
    for (const problem of document.problems) this.#problems.set(JSON.stringify(problem), problem);
    for (const note of document.notes) this.#notes.set(JSON.stringify(note), note);
  }

  problem(place: Place, message: string, expected: string, code?: ReplicationProblem['code']): void {
    add(this.#problems, place, message, expected, code);
  }

  note(place: Place, message: string, expected?: string): void {
    add(this.#notes, place, message, expected, undefined);
  }

  inOrder(): { problems: readonly ReplicationProblem[]; notes: readonly ReplicationProblem[] } {
    const byLine = (one: ReplicationProblem, other: ReplicationProblem) => (one.line ?? 0) - (other.line ?? 0);
    return { problems: [...this.#problems.values()].sort(byLine), notes: [...this.#notes.values()].sort(byLine) };
  }
}

function add(
  to: Map<string, ReplicationProblem>,
  { section, option, line }: Place,
  message: string,
  expected: string | undefined,
  code: ReplicationProblem['code'],
): void {
  const problem: ReplicationProblem = {
    section,
    ...(option !== undefined && { option }),
    ...(line !== undefined && { line }),
    message,
    ...(expected !== undefined && { expected }),
    ...(code !== undefined && { code }),
  };
  to.set(JSON.stringify(problem), problem);
}

/** Where a value is. */
export interface Place {
  readonly section: string;
  readonly option: string | undefined;
  readonly line: number | undefined;
}

export function placeOf(section: RawSection, assignment: RawAssignment): Place {
  return { section: section.label, option: assignment.label, line: assignment.line };
}

export function placeOfSection(section: RawSection): Place {
  return { section: section.label, option: undefined, line: section.line };
}
