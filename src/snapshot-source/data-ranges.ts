/**
 * Adapter: where a sparse file has data. Node cannot ask (there is no lseek), so a small program that nearly every system
 * has does: perl, or python3, over the descriptor that this process has open. Where neither is there, or the file system
 * knows nothing of holes, all of the file is data, and zeros are found by reading them.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface DataRange {
  readonly from: number;
  /** The first byte behind it. */
  readonly to: number;
}

/** The ranges that may have data, ascending. What lies between them is zeros. */
export type FindDataRanges = (descriptor: number, sizeBytes: number, signal?: AbortSignal) => AsyncIterable<DataRange>;

export async function* seekDataRanges(
  descriptor: number,
  sizeBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<DataRange, void, undefined> {
  let known = 0;
  for (const [command, ...args] of PROGRAMS) {
    signal?.throwIfAborted();
    const asked = ask([command, ...args, `${known}`, `${sizeBytes}`], descriptor, signal);
    for (let step = await asked.next(); ; step = await asked.next()) {
      if (!step.done) {
        known = step.value.to;
        yield step.value;
        continue;
      }
      if (step.value === 'all') return;
      break;
    }
  }
  signal?.throwIfAborted();
  if (known < sizeBytes) yield { from: known, to: sizeBytes };
}

/** Both print a line `from to` for each range, and `end` when they came to the end. SEEK_DATA is 3, SEEK_HOLE 4; ENXIO is 6. */
const PROGRAMS: readonly (readonly [string, ...string[]])[] = [
  [
    'perl',
    '-e',
    `my ($at, $size) = @ARGV; open(my $f, "<&=3") or exit 1;
     while ($at < $size) {
       my $data = sysseek($f, $at, 3);
       if (!$data) { last if $!+0 == 6; exit 1 }
       last if $data >= $size;
       my $hole = sysseek($f, $data, 4) or exit 1;
       printf "%d %d\\n", $data, $hole; $at = $hole;
     }
     print "end\\n";`,
  ],
  [
    'python3',
    '-I',
    '-S',
    '-c',
    `import os, sys
at, size = int(sys.argv[1]), int(sys.argv[2])
while at < size:
    try: data = os.lseek(3, at, 3)
    except OSError as error:
        if error.errno == 6: break
        raise
    if data >= size: break
    at = os.lseek(3, data, 4)
    print(data, at)
print('end')`,
  ],
];

/** Gives ranges, then whether these were all. */
async function* ask(
  [command = '', ...args]: readonly string[],
  descriptor: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<DataRange, 'all' | 'some', undefined> {
  // The descriptor is the child's fourth: the file that is open here, whatever is at its path by now.
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore', descriptor], signal });
  const failed = new Promise<'some'>((resolve) => child.once('error', () => resolve('some')));
  try {
    const started = await Promise.race([
      failed,
      new Promise<'started'>((resolve) => child.once('spawn', () => resolve('started'))),
    ]);
    if (started === 'some' || child.stdout === null) return 'some';
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'end') return 'all';
      const [from = Number.NaN, to = Number.NaN] = line.split(' ').map(Number);
      if (!(from < to)) return 'some';
      yield { from, to };
    }
    return 'some';
  } finally {
    child.kill();
  }
}
