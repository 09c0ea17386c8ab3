import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FilesystemObjectStore } from '../../src/object-store/filesystem.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'object-store-killed-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('processes that are killed while they put', () => {
  it('leave whole objects only, keep what they were promised, and have claimed no key together', async () => {
    const told: string[] = [];
    const claimed = () => told.filter((line) => line.startsWith('claimed ')).length;
    // How many claims come before the kills is a matter of timing: as many rounds as it takes for a few.
    for (let round = 0; round < 5 || claimed() <= 5; round++) {
      // Two at a time, each killed in the middle of its next puts.
      const names = [`a${round}`, `b${round}`];
      const lines = await Promise.all(names.map((name, index) => runAndKill(name, 6 + round * 5 + index)));
      told.push(...lines.flat());
    }

    const store = new FilesystemObjectStore(folder);
    const found = new Map<string, { readonly by: string; readonly round: number }>();
    for await (const { key } of store.list('')) found.set(key, readBody(await store.get(key)));

    const claims = new Set<string>();
    for (const line of told) {
      const [what = '', key = '', round = ''] = line.split(' ');
      const object = found.get(key);
      expect(object, line).toBeDefined();
      if (what === 'put') expect(object?.round, line).toBeGreaterThanOrEqual(Number(round));
      if (what === 'claimed') {
        expect(claims.has(key), `${key} was claimed twice`).toBe(false);
        claims.add(key);
      }
    }
    expect(claims.size).toBe(claimed());

    const leftovers = await store.sweep({ olderThanMs: -1000 });
    expect(leftovers.removed).toBeGreaterThan(0);
    expect(await store.sweep({ olderThanMs: -1000 })).toEqual({ removed: 0, sizeBytes: 0 });
    for (const key of found.keys()) readBody(await store.get(key));
  });
});

/** The lines that the process told before it was killed, which is after so many of them. */
async function runAndKill(name: string, afterLines: number): Promise<string[]> {
  const script = fileURLToPath(new URL('./store-writer.ts', import.meta.url));
  const child = spawn(process.execPath, [script, folder, name, `${afterLines}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = exitOf(child);
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === afterLines) child.kill('SIGKILL');
  }
  expect(await ended).toBe('SIGKILL');
  return lines;
}

function exitOf(child: ChildProcess): Promise<string | number | null> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal ?? code));
  });
}

/** Fails unless the body is whole. */
function readBody(body: Uint8Array): { by: string; round: number } {
  const content = body.subarray(32);
  const digest = createHash('sha256').update(content).digest();
  expect(digest.equals(body.subarray(0, 32)), 'a partial object is visible').toBe(true);
  const [by = '', round = ''] = Buffer.from(content.subarray(0, 40)).toString('latin1').split(' ');
  return { by, round: Number(round) };
}
