/**
 * A process that puts objects until it is killed, and tells of each put that resolved. Arguments: folder, name, seed.
 * Bodies speak for themselves: their SHA-256 first, then who put them and in which round, then filler.
 */
import { createHash } from 'node:crypto';
import { FilesystemObjectStore } from '../../src/object-store/filesystem.ts';
import { SeededRandom } from '../../src/testing/random.ts';

const [folder = '', name = '', seed = '1'] = process.argv.slice(2);
const store = new FilesystemObjectStore(folder);
const random = new SeededRandom(Number(seed));

// Each at its own pace, so that whenever one tells of a put others are in the middle of theirs.
await Promise.all([overwrite('x'), overwrite('y'), overwrite('z'), claim()]);

async function overwrite(lane: string): Promise<void> {
  const key = `data/${name}/${lane}`;
  for (let round = 0; ; round++) {
    await store.put(key, body(round));
    tell('put', key, round);
  }
}

async function claim(): Promise<void> {
  for (let round = 0; ; round++) {
    const key = `log/${round}`;
    try {
      await store.put(key, body(round), { ifAbsent: true });
      tell('claimed', key, round);
    } catch (error) {
      if ((error as { code?: string }).code !== 'OBJECT_STORE_EXISTS') throw error;
    }
  }
}

function body(round: number): Uint8Array {
  const filler = Buffer.alloc(Math.floor(random.next() * 400_000), round);
  const content = Buffer.concat([Buffer.from(`${name} ${round} `), filler]);
  return Buffer.concat([createHash('sha256').update(content).digest(), content]);
}

function tell(what: string, key: string, round: number): void {
  process.stdout.write(`${what} ${key} ${round}\n`);
}
