/** The Python driver of examples/python-driver, as somebody copies it: over and back again. All of its tests: npm run test:examples. */
import { spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const python = ['/usr/bin/python3', 'python3'].find((one) => spawnSync(one, ['--version']).status === 0);

describe.skipIf(python === undefined)('the Cinder driver in Python', () => {
  it('goes over to the target and comes back with its data, through datamotion rpc', async () => {
    const test = 'test_driver.DriverTest.test_a_backend_goes_over_and_comes_back_with_its_data';
    const child = spawn(python ?? '', ['-m', 'unittest', test], {
      cwd: 'examples/python-driver',
      env: {
        ...process.env,
        DATAMOTION: `${process.execPath} ${resolve('src/cli/main.ts')}`,
        PYTHONDONTWRITEBYTECODE: '1',
      },
    });
    let output = '';
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    const code = await new Promise((ended) => child.on('close', ended));
    expect([code, output]).toEqual([0, expect.stringMatching(/Ran 1 test in [\s\S]*\nOK/)]);
  }, 90_000);
});
