/**
 * Peak memory of SnapMirror Cloud on a sparse image, each step in a process of its own: with four times the data it must not
 * take more. The image is made up as it is read, so only what is stored takes room on the disk.
 * CLOUD_MEMORY_MIB: data of the larger image, default 2048.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLOUD_MEMORY_STEPS, type CloudMemorySetting, type CloudMemoryStep, runStep } from './cloud-memory-step.ts';
import type { Report } from './report.ts';

const IMAGE_GIB = 64;
const LARGE_MIB = Number(process.env['CLOUD_MEMORY_MIB'] ?? 2048);
/** What a step may take at most, threads and all. */
const BOUND_MIB = 400;
/** What four times the data may take, beside what one time takes. */
const GROWTH = 1.3;

export async function cloudMemoryBench(): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'cloud-memory-'));
  try {
    const rows: { step: string; small: number; large: number }[] = [];
    for (const step of CLOUD_MEMORY_STEPS) {
      const [small, large] = [LARGE_MIB / 4, LARGE_MIB].map((dataMib) => {
        const setting = { folder: join(folder, `${dataMib}`), imageGib: IMAGE_GIB, dataMib };
        return inAProcess(step, setting);
      });
      rows.push({ step, small: small ?? 0, large: large ?? 0 });
    }
    const most = Math.max(...rows.map(({ large }) => large));
    const grown = Math.max(...rows.map(({ small, large }) => large / Math.max(small, BOUND_MIB / 2)));
    return {
      bench: 'cloud-memory',
      setting: `a sparse image of ${IMAGE_GIB} GiB, ${availableParallelism()} processors; peak resident memory in MiB`,
      rows: rows.map(({ step, small, large }) => ({
        step,
        [`${LARGE_MIB / 4} MiB of data`]: Math.round(small),
        [`${LARGE_MIB} MiB of data`]: Math.round(large),
      })),
      goals: [
        { goal: `at most ${BOUND_MIB} MiB`, measured: `${Math.round(most)} MiB`, met: most <= BOUND_MIB },
        { goal: `four times the data: at most ${GROWTH} times`, measured: grown.toFixed(2), met: grown <= GROWTH },
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Gives the peak of its resident memory in MiB. */
function inAProcess(step: CloudMemoryStep, setting: CloudMemorySetting): number {
  const file = fileURLToPath(import.meta.url);
  const output = execFileSync(process.execPath, [file, step, JSON.stringify(setting)], { encoding: 'utf8' });
  return Number(output.trim()) / 1024;
}

const [, program, step, setting] = process.argv;
if (program === fileURLToPath(import.meta.url) && step !== undefined && setting !== undefined) {
  await runStep(step as CloudMemoryStep, JSON.parse(setting) as CloudMemorySetting);
  process.stdout.write(`${process.resourceUsage().maxRSS}\n`);
}
