import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Compute } from '../../src/compute/compute.ts';
import { InlineCompute } from '../../src/compute/inline.ts';
import { WorkerCompute } from '../../src/compute/worker-compute.ts';
import { decodeGroup, encodeObject } from '../../src/core/cloud/format/object.ts';
import { CloudError } from '../../src/errors.ts';
import { computeContract, noise, someObject } from './contract.ts';

const opened: Compute[] = [];
const open = <C extends Compute>(compute: C): C => {
  opened.push(compute);
  return compute;
};
afterEach(async () => {
  await Promise.all(opened.splice(0).map((compute) => compute.close()));
});

const ADAPTERS: Readonly<Record<string, () => Compute>> = {
  inline: () => new InlineCompute({ encodeObject, decodeGroup }),
  'two threads': () => new WorkerCompute({ threads: 2 }),
};

for (const [name, make] of Object.entries(ADAPTERS)) {
  describe(`the contract of compute, kept by ${name}`, () => {
    for (const contractCase of computeContract) it(contractCase.name, () => contractCase.run(open(make())));
  });
}

describe('compute threads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'compute-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const threadOf = (name: string, text: string): URL => {
    writeFileSync(join(folder, name), text);
    return pathToFileURL(join(folder, name));
  };

  it('take the blocks of an object over instead of copying them', async () => {
    const compute = open(new WorkerCompute({ threads: 1 }));
    const content = someObject(16);
    await compute.encodeObject(content, { endpointId: new Uint8Array(16), hash: 'sha-256', codec: 'zstd' });
    expect(content.blocks.byteLength).toBe(0);
    expect(content.vvbns).toHaveLength(16);
  });

  it('leave the buffers of a call that waits where they are until it is its turn', async () => {
    const compute = open(new WorkerCompute({ threads: 1 }));
    const calls = Array.from({ length: 4 }, () => someObject(64));
    const how = { endpointId: new Uint8Array(16), hash: 'sha-256', codec: 'zstd' } as const;
    const running = calls.map((content) => compute.encodeObject(content, how));
    expect(compute.concurrency).toBe(2);
    expect(calls.map(({ blocks }) => blocks.byteLength > 0)).toEqual([false, false, true, true]);
    await Promise.all(running);
  });

  it('answer no call that was aborted, whether it waited or was under way', async () => {
    const compute = open(new WorkerCompute({ threads: 1 }));
    const abort = new AbortController();
    const reason = new Error('enough');
    const calls = Array.from({ length: 4 }, () =>
      compute.shortDigests('sha-256', noise(4096), 4096, { signal: abort.signal }),
    );
    const outcomes = Promise.allSettled(calls);
    abort.abort(reason);
    expect((await outcomes).map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual(
      Array(4).fill(reason),
    );
    expect(await compute.shortDigests('sha-256', noise(4096), 4096)).toHaveLength(16);
  });

  it('that crash fail their calls with a typed error, and are replaced', async () => {
    const entry = threadOf(
      'crash.mjs',
      `import { parentPort } from 'node:worker_threads';
       parentPort.on('message', ({ call, arguments: [hash] }) => {
         if (hash === 'blake2b-512/256') throw new Error('out of luck');
         parentPort.postMessage({ call, result: new Uint8Array(3) });
       });`,
    );
    const compute = open(new WorkerCompute({ threads: 1, entry }));
    const failed = await Promise.allSettled([
      compute.shortDigests('blake2b-512/256', noise(4096), 4096),
      compute.shortDigests('sha-256', noise(4096), 4096),
    ]);
    for (const outcome of failed) {
      const error = outcome.status === 'rejected' ? outcome.reason : undefined;
      expect(error).toBeInstanceOf(CloudError);
      expect(error).toMatchObject({ code: 'CLOUD_COMPUTE_FAILED', retryable: true, cause: { message: 'out of luck' } });
    }
    expect(await compute.shortDigests('sha-256', noise(4096), 4096)).toHaveLength(3);
  });

  it('that cannot start fail each call and are not started over and over', async () => {
    const entry = threadOf('broken.mjs', `import './not-there.mjs';`);
    const compute = open(new WorkerCompute({ threads: 2, entry }));
    const calls = Array.from({ length: 7 }, () => compute.shortDigests('sha-256', noise(64), 64));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).toEqual(Array(7).fill('rejected'));
    await compute.close();
  });

  it('that end of themselves are told from a crash by their code', async () => {
    const entry = threadOf(
      'exit.mjs',
      `import { parentPort } from 'node:worker_threads';
      parentPort.on('message', () => process.exit(3));`,
    );
    const compute = open(new WorkerCompute({ threads: 1, entry }));
    await expect(compute.shortDigests('sha-256', noise(64), 64)).rejects.toThrow('a compute thread ended with code 3');
  });

  it('do not keep a process alive that has nothing left to do', () => {
    const worker = new URL('../../src/compute/worker-compute.ts', import.meta.url);
    const program = `
      const { WorkerCompute } = await import(${JSON.stringify(worker.href)});
      const compute = new WorkerCompute({ threads: 2 });
      const digests = await compute.shortDigests('sha-256', new Uint8Array(4096), 4096);
      console.log(digests.length);`;
    const options = { encoding: 'utf8', timeout: 15_000 } as const;
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', program], options)).toBe('16\n');
  });
});
