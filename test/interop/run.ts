/**
 * Drives the simulated ONTAP with clients that others wrote: the Ansible collection netapp.ontap and the REST client of
 * Cinder's NetApp driver, as Debian packages them. Only where there is an apt-get; with --require it fails elsewhere.
 * npm run test:interop [-- --require] [--only ansible|cinder]
 */
import { parseArgs } from 'node:util';
import { tellAnsibleStory } from './ansible-story.ts';
import { checkAnswers } from './answers.ts';
import { tellCinderStory } from './cinder-story.ts';
import { Unavailable, type UnpackedPackages, unpackedPackages } from './debian-packages.ts';
import { Verdicts } from './verdicts.ts';

const FOLDER = '.tmp/interop';
const PACKAGES = ['ansible', 'python3-requests', 'python3-cinder'];

const { values } = parseArgs({ options: { require: { type: 'boolean', default: false }, only: { type: 'string' } } });
const verdicts = new Verdicts(say);
const packages = timed('packages', unpacked);
const answers = packages && checkAnswers(FOLDER);
if (packages) {
  const { versions, packages: count, fetched } = packages;
  say(`${versions.join(', ')}: ${count} packages, ${fetched ? 'unpacked' : 'here already'}`);
  if (values.only !== 'cinder') await told('Ansible', 'modules', tellAnsibleStory, packages);
  if (values.only !== 'ansible') await told('Cinder', 'methods', tellCinderStory, packages);
} else if (values.require) verdicts.failed++;
if (answers) {
  const name = `all ${answers.count} answers are as our OpenAPI document says`;
  verdicts.check(name, answers.faults.size === 0, [...answers.faults].join('\n'));
}
say(`${verdicts.passed} passed, ${verdicts.failed} failed`);
process.exitCode = verdicts.failed === 0 ? 0 : 1;

function unpacked(): UnpackedPackages | undefined {
  try {
    return unpackedPackages(PACKAGES, FOLDER);
  } catch (reason) {
    if (!(reason instanceof Unavailable)) throw reason;
    say(`not run: ${reason.message}`);
    return undefined;
  }
}

async function told(
  client: string,
  what: string,
  tell: typeof tellAnsibleStory,
  found: UnpackedPackages,
): Promise<void> {
  const startedAt = performance.now();
  try {
    const used = await tell(found, verdicts);
    const times = [...used.values()].reduce((sum, count) => sum + count, 0);
    say(
      `${client}: ${used.size} ${what}, ${times} runs, ${seconds(startedAt)} s: ${[...used.keys()].sort().join(', ')}`,
    );
  } catch (error) {
    verdicts.check(`${client}'s story is told to its end`, false, error instanceof Error ? error.stack : String(error));
  }
}

function timed<T>(what: string, act: () => T): T {
  const startedAt = performance.now();
  const result = act();
  say(`${what}: ${seconds(startedAt)} s`);
  return result;
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
