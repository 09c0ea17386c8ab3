/**
 * Runs playbooks with the modules of the collection netapp.ontap. A task's name ends with what it must report: `[changed]`,
 * `[ok]`, or `[refused "..."]` with a part of the message.
 */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PYTHON, type UnpackedPackages } from './debian-packages.ts';
import { type InteropScene, portOf } from './scene.ts';
import type { Verdicts } from './verdicts.ts';

/** What one task reported: the module's own results. */
// biome-ignore lint/suspicious/noExplicitAny: results are whatever the module returns
export type TaskResult = any;

export class AnsibleRunner {
  readonly #packages: UnpackedPackages;
  readonly #scene: InteropScene;
  readonly #verdicts: Verdicts;
  /** Modules run, and how often. */
  readonly modules = new Map<string, number>();

  constructor(packages: UnpackedPackages, scene: InteropScene, verdicts: Verdicts) {
    this.#packages = packages;
    this.#scene = scene;
    this.#verdicts = verdicts;
    writeFileSync(this.#variables, JSON.stringify(variables(scene)));
  }

  /** Runs test/interop/ansible/NAME.yml; returns each task's results by the task's name without its ending. */
  async play(name: string): Promise<ReadonlyMap<string, TaskResult>> {
    const playbook = join(import.meta.dirname, 'ansible', `${name}.yml`);
    const { stdout, stderr } = await this.#run(playbook);
    const results = new Map<string, TaskResult>();
    let report: Report;
    try {
      report = JSON.parse(stdout.slice(stdout.indexOf('{'))) as Report;
    } catch {
      this.#verdicts.check(`${name}: ansible-playbook reports`, false, `${stdout}${stderr}`.slice(-2000));
      return results;
    }
    const promised = readFileSync(playbook, 'utf8').match(/ - name: .* \[(changed|ok|refused ".*")\]$/gm)?.length ?? 0;
    const ran = report.plays.flatMap(({ tasks }) => tasks).length;
    this.#verdicts.equal(`${name}: every task is run`, ran, promised);
    for (const { task, hosts } of report.plays.flatMap(({ tasks }) => tasks)) {
      const match = /^(.*) \[(changed|ok|refused "(.*)")\]$/.exec(task.name);
      const result = hosts['localhost'];
      if (!match?.[1] || result === undefined) {
        this.#verdicts.check(`${name}: the task "${task.name}" says what it must report`, false);
        continue;
      }
      results.set(match[1], result);
      this.#count(result);
      const outcome = result.failed ? `failed: ${result.msg}` : result.changed ? 'changed' : 'ok';
      const [, , expected = '', refusal] = match;
      const holds = refusal === undefined ? outcome === expected : result.failed && result.msg.includes(refusal);
      const detail = `${outcome} ${result.error_message ?? ''}${result.module_stderr ?? ''}`.slice(0, 2000);
      this.#verdicts.check(`${name}: ${match[1]}: ${expected}`, holds, detail);
    }
    return results;
  }

  get #variables(): string {
    return join(this.#scene.folder, 'variables.json');
  }

  #count(result: TaskResult): void {
    const module = String(result.action ?? '').replace('netapp.ontap.', '');
    if (module.startsWith('na_ontap')) this.modules.set(module, (this.modules.get(module) ?? 0) + 1);
  }

  #run(playbook: string): Promise<{ stdout: string; stderr: string }> {
    const { pythonPath, programs } = this.#packages;
    const { folder } = this.#scene;
    const child = spawn(
      PYTHON,
      [
        join(programs, 'ansible-playbook'),
        '--inventory',
        'localhost,',
        '--extra-vars',
        `@${this.#variables}`,
        playbook,
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        cwd: folder,
        env: {
          PATH: process.env['PATH'],
          HOME: folder,
          LC_ALL: 'C.UTF-8',
          PYTHONPATH: pythonPath,
          PYTHONWARNINGS: 'ignore',
          NO_PROXY: '*',
          REQUESTS_CA_BUNDLE: this.#scene.ca,
          ANSIBLE_HOME: join(folder, 'ansible'),
          ANSIBLE_STDOUT_CALLBACK: 'json',
          ANSIBLE_RETRY_FILES_ENABLED: 'false',
          ANSIBLE_PYTHON_INTERPRETER: PYTHON,
        },
      },
    );
    return output(child);
  }
}

interface Report {
  readonly plays: readonly {
    readonly tasks: readonly { readonly task: { readonly name: string }; readonly hosts: Record<string, TaskResult> }[];
  }[];
}

/** The ends of the world, for the playbooks. */
function variables({ source, destination, ca }: InteropScene): Record<string, unknown> {
  const login = (cluster: InteropScene['source']) => ({
    hostname: '127.0.0.1',
    http_port: portOf(cluster),
    username: cluster.user,
    password: cluster.password,
    https: true,
    validate_certs: true,
    use_rest: 'always',
  });
  return { source: login(source), destination: login(destination), ca, ansible_connection: 'local' };
}

export async function output(child: ReturnType<typeof spawn>): Promise<{ stdout: string; stderr: string }> {
  const texts = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    texts.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr += text;
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  return texts;
}
