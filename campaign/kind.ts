/** What the runner knows of a kind of campaign. */

/** One seed, played. */
export interface Run {
  readonly counts: Readonly<Record<string, number>>;
  readonly failure?: Failure | undefined;
}

export interface Failure {
  /** What did not hold, in a line. */
  readonly message: string;
  /** The smallest run that was found to fail in the same way, for people, with the command that plays it again. */
  readonly report: string;
}

export interface Kind {
  /** @param quick a failure is told as it is, and not made smaller first */
  play(seed: number, quick: boolean): Promise<Run>;
  /** One run as a timeline. @param keep what of it is played, as a report told it; absent: all */
  replay(seed: number, keep: string | undefined, loud: boolean): Promise<Run>;
}
