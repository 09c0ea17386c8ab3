/** Disasters that the campaign found once, and that the library was changed for: each is played again, and does not fail any more. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Disaster } from '../../campaign/failover/disaster.ts';
import { play } from '../../campaign/failover/play.ts';

const FOLDER = new URL('./found/', import.meta.url);

it.each(readdirSync(FOLDER).toSorted())(
  '%s does not come back',
  async (file) => {
    const disaster = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Disaster;
    expect((await play(disaster)).violations).toEqual([]);
  },
  120_000,
);
