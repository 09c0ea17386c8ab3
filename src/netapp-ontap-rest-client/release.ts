/** ONTAP releases, as `GET /cluster?fields=version` and `NetApp Release 9.14.1P2: ...` name them. */
export interface Release {
  readonly generation: number;
  readonly major: number;
  readonly minor: number;
}

/** Reads `NetApp Release 9.14.1P2: Tue Feb ...`, or just `9.14.1`; `undefined` when there is no release in it. */
export function parseRelease(text: string): Release | undefined {
  const found = /(?<![\d.])(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (found === null) return undefined;
  const [, generation, major, minor = '0'] = found;
  return { generation: Number(generation), major: Number(major), minor: Number(minor) };
}

/** Whether a release is the wanted one or a later one. */
export function isAtLeast(release: Release, wanted: Release): boolean {
  const distance =
    release.generation - wanted.generation || release.major - wanted.major || release.minor - wanted.minor;
  return distance >= 0;
}
