#!/usr/bin/env node
/** Edge (layer 8): the process around the command line. */
import { createRequire } from 'node:module';
import { runCommandLine } from './program.ts';

const interrupted = new AbortController();
let signals = 0;
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The second one means it: end without tidying up.
    if (++signals > 1) process.exit(130);
    interrupted.abort(new Error(`interrupted by ${name}`));
  });
}
// A reader that goes away (`| head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
process.exitCode = await runCommandLine(
  process.argv.slice(2),
  {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    env: process.env,
    signal: interrupted.signal,
  },
  version,
);
