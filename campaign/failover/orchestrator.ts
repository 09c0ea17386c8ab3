/**
 * An orchestrator: a process with the library in it, which dies where it is told and comes back as another one, with the journal of
 * the first or without. What it does and says goes to the judge.
 */
import type { Acknowledgement } from '../../src/core/failover/plan.ts';
import type {
  DataMotion,
  FailbackOptions,
  FailoverOptions,
  OperationReport,
  VolumeReplicationState,
} from '../../src/index.ts';
import {
  type DataMotionError as AnyDataMotionError,
  createDataMotion,
  DataMotionError,
  type HookCall,
  InternalError,
  nothingKept,
} from '../../src/index.ts';
import { SeededRandom } from '../../src/testing/index.ts';
import { Process } from '../../test/run/failover/killed.ts';
import type { Operate } from './disaster.ts';
import { judgeReport, judgeStates } from './judge.ts';
import { type InFlight, type Scene, SOURCE } from './scene.ts';

const HOUR = 3_600_000;
/** More than any of it takes; who is not done by then hangs. */
const LONGEST_MS = 12 * HOUR;

/** A process that lives: what it does goes through `process`, a new one for each thing that it is told to do. */
interface Life {
  process: Process;
  readonly dataMotion: DataMotion;
}

/** What happened in a run, counted. */
export type Counts = Record<string, number>;

export class Orchestrator {
  readonly name: string;
  readonly #scene: Scene;
  readonly #counts: Counts;
  readonly #seed: number;
  #kept = nothingKept();
  #lives = 0;
  #life: Life;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(scene: Scene, name: string, seed: number, counts: Counts) {
    this.#scene = scene;
    this.name = name;
    this.#seed = seed;
    this.#counts = counts;
    this.#life = this.#born();
  }

  /** Waits for its turn: one process does one thing at a time. */
  operate(operate: Operate): Promise<void> {
    const done = this.#busy.then(() => this.#operate(operate));
    this.#busy = done;
    return done;
  }

  get dataMotion(): DataMotion {
    return this.#life.dataMotion;
  }

  /** Agrees to every loss, by name. */
  readonly acceptsAll = (loss: Acknowledgement): boolean => this.#acknowledge(loss, true);

  #born(): Life {
    const random = new SeededRandom(this.#seed * 1000 + ++this.#lives);
    const life: Life = {
      process: new Process(),
      dataMotion: createDataMotion(this.#scene.configuration, {
        env: { clock: this.#scene.clock, random },
        timing: { pollMaxMs: 10_000 },
        client: {
          transport: (request) => life.process.intercept(request, (sent) => this.#scene.send(this.name, sent)),
        },
      }),
    };
    return life;
  }

  async #operate(operate: Operate): Promise<void> {
    const { what, dies, journal } = operate;
    if (this.#life.process.isDead) this.#life = this.#born();
    const process = new Process(dies);
    this.#life.process = process;
    this.#count(`operation ${what}`);
    this.#scene.tell(this.name, `begins: ${describe(operate, this.#scene)}`);
    const work = this.#scene.begin();
    try {
      await this.#act(operate, process, work, journal ? process.journal(this.#kept) : undefined);
    } catch (error) {
      this.#failed(what, error, process);
    } finally {
      this.#scene.end(work);
    }
    if (process.isDead) {
      this.#count('process killed');
      this.#scene.tell(this.name, `is dead, killed ${dies?.moment} its doing ${(dies?.at ?? 0) + 1}`);
    }
  }

  async #act(operate: Operate, process: Process, work: InFlight, journal: FailoverOptions['journal']): Promise<void> {
    const { dataMotion } = this.#life;
    const { what, fence, keep, patienceMs, lastUpdate } = operate;
    const scene = this.#scene;
    const target = operate.target === undefined ? undefined : scene.topology.targets[operate.target];
    const volumes = operate.volumes?.flatMap((index) => scene.topology.volumes[index]?.name ?? []);
    const chosen = {
      source: SOURCE,
      ...(target === undefined ? {} : { target }),
      ...(volumes === undefined ? {} : { volumes }),
    };
    const { signal } = process;
    const deadline = scene.clock.now() + Math.min(patienceMs ?? LONGEST_MS, LONGEST_MS);
    const call = { signal, deadline };
    const apply: FailoverOptions & FailbackOptions = {
      ...call,
      journal,
      fence,
      acknowledge: (loss) => this.#acknowledge(loss, operate.accepts),
      ...(scene.topology.lock ? { lock: this.#lock(process) } : {}),
      ...(lastUpdate ? {} : { lastUpdateTimeoutMs: 0 }),
      ...(keep === undefined ? {} : { keep }),
      ...(operate.hooks === 'none' ? {} : { hooks: this.#hooks(operate.hooks) }),
    };
    const to = target ?? scene.topology.targets[0] ?? '';
    switch (what) {
      case 'failover': {
        const names = volumes ?? scene.topology.volumes.map(({ name }) => name);
        for (const name of names) scene.leaving.set(name, (scene.leaving.get(name) ?? 0) + 1);
        try {
          this.#told(await dataMotion.failover(chosen, apply), operate, work);
        } finally {
          for (const name of names) scene.leaving.set(name, (scene.leaving.get(name) ?? 1) - 1);
        }
        return;
      }
      case 'failback':
        this.#told(await dataMotion.failback(chosen, apply), operate, work);
        return;
      case 'drill': {
        const before = scene.clones();
        const { result, volumes: drilled, debts } = await dataMotion.drill(chosen, { ...call, journal });
        if (work.alone && debts.length === 0 && scene.clones() > before)
          scene.violation('a drill leaves clones, and owes none');
        this.#ended(`drill ${result}: ${drilled.map(({ volume, outcome }) => `${volume} ${outcome}`).join(', ')}`);
        this.#count(`drill ${result}`);
        if (debts.length > 0) this.#count('debt clone');
        return;
      }
      case 'ensure': {
        const outcomes = await dataMotion.ensureSnapmirrors(
          { ...chosen, target: to },
          { ...call, waitForBaseline: true },
        );
        this.#ended(`ensure: ${outcomes.map(({ ok }) => ok).join(', ')}`);
        return;
      }
      case 'update': {
        const outcomes = await dataMotion.updateSnapmirrors({ ...chosen, target: to }, { ...call, wait: true });
        this.#ended(`update: ${outcomes.map(({ ok }) => ok).join(', ')}`);
        return;
      }
      case 'state': {
        const states = await dataMotion.replicationState(chosen, call);
        this.#seen(states);
        return;
      }
      case 'leftovers':
        await dataMotion.removeDrillLeftovers({ source: SOURCE }, call);
        this.#ended('removed what drills left');
        return;
      case 'house':
        await this.#keepHouse(chosen, fence, call);
    }
  }

  async #keepHouse(
    chosen: { readonly target?: string; readonly volumes?: readonly string[] },
    fence: Operate['fence'],
    call: { readonly signal: AbortSignal },
  ): Promise<void> {
    const stop = new AbortController();
    const { clock } = this.#scene;
    void clock.sleep(HOUR / 2).then(() => stop.abort());
    await this.#life.dataMotion.keepHouse(SOURCE, {
      ...chosen,
      fence,
      updateAfterSeconds: 300,
      signal: call.signal,
      stop: stop.signal,
      onEvent: (event) => {
        if (event.kind === 'alert-raised') this.#count(`alert ${event.alert}`);
      },
    });
    this.#ended('kept house for half an hour');
  }

  #told(report: OperationReport, operate: Operate, { alone }: InFlight): void {
    for (const { outcome, phase, authority, error, debts } of report.volumes) {
      this.#count(`${report.kind} ${outcome} ${phase} ${authority}`);
      if (error !== undefined) this.#refusedWith(error);
      for (const { kind } of debts) this.#count(`debt ${kind}`);
    }
    const told = report.volumes.map(({ volume, outcome, authority, debts, error }) => {
      const owed = debts.map(({ kind }) => kind).join('+');
      return `${volume} ${outcome}, ${authority} counts${owed === '' ? '' : `, owed: ${owed}`}${error ? `: ${error.code} ${error.message}` : ''}`;
    });
    this.#ended(`${report.kind} to ${report.target} ${report.result}: ${told.join('; ')}`);
    judgeReport(this.#scene, report, alone);
    if (operate.hooks !== 'none') return;
    // Without hooks it is people who send the hosts to where the data are.
    for (const { volume, outcome, authority } of report.volumes) {
      if (outcome === 'done' && authority !== 'undecided')
        this.#repoint([volume], authority === 'target' ? report.target : SOURCE);
    }
  }

  #seen(states: readonly VolumeReplicationState[]): void {
    for (const { phase, authority, target, volume } of states) {
      this.#count(`phase ${phase}`);
      this.#scene.tell(this.name, `sees ${volume} at ${target}: ${phase}, ${authority} counts`);
    }
    judgeStates(this.#scene, states);
  }

  #acknowledge(loss: Acknowledgement, accepts: boolean): boolean {
    this.#count(`loss ${loss.kind} ${accepts ? 'accepted' : 'refused'}`);
    this.#scene.tell(this.name, `${accepts ? 'accepts' : 'does not accept'}: ${loss.text}`);
    if (accepts) {
      const { backend, since, volume } = loss;
      this.#scene.ledger.accept(loss, this.#scene.heldBy(since?.name, volume), this.#scene.heldAt(backend, volume));
    }
    return accepts;
  }

  #hooks(mood: Exclude<Operate['hooks'], 'none'>) {
    return {
      stopWriters: async ({ volumes, signal }: HookCall) => {
        if (mood === 'fail') throw new Error('the application does not stop');
        if (mood === 'hang') {
          await new Promise((_, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
          );
        }
        for (const name of volumes) this.#scene.stopHost(name);
        this.#scene.tell(this.name, `writers of ${volumes.join(', ')} stop`);
      },
      startWriters: async ({ volumes, backend }: HookCall) => {
        this.#repoint(volumes, backend);
        this.#scene.tell(this.name, `writers of ${volumes.join(', ')} start at ${backend}`);
      },
    };
  }

  #repoint(volumes: readonly string[], backend: string): void {
    for (const name of volumes) {
      const host = this.#scene.hosts.get(name);
      if (host === undefined || host.deaf) continue;
      host.where = backend;
      host.stopped = false;
    }
  }

  #lock(process: Process) {
    return { acquire: (name: string) => this.#scene.locks.acquire(name, process) };
  }

  #failed(what: string, error: unknown, process: Process): void {
    if (process.isDead) return;
    if (!(error instanceof DataMotionError)) {
      this.#scene.violation(
        `${what} fails with something that is no error of the library: ${error instanceof Error ? error.stack : error}`,
      );
      return;
    }
    this.#ended(`${what} refused: ${error.code}: ${error.message}`);
    this.#refusedWith(error);
  }

  #refusedWith(error: AnyDataMotionError): void {
    this.#count(`refused ${error.code}`);
    if (error instanceof InternalError) this.#scene.violation(`a promise of the library is broken: ${error.message}`);
  }

  #ended(text: string): void {
    this.#scene.tell(this.name, text);
  }

  #count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }
}

function describe(
  { what, target, volumes, fence, keep, accepts, journal, hooks, dies, patienceMs, lastUpdate }: Operate,
  { topology }: Scene,
): string {
  const parts = [
    what,
    target === undefined ? '' : `to ${topology.targets[target]}`,
    volumes === undefined ? '' : `of volumes ${volumes.map((index) => index + 1).join(', ')}`,
    fence === 'none' ? '' : `fence ${fence}`,
    keep === undefined ? '' : `keep ${keep}`,
    accepts ? '' : 'accepting no loss',
    lastUpdate ? '' : 'without a last update',
    journal ? 'with a journal' : '',
    hooks === 'heeded' ? '' : `hooks ${hooks}`,
    dies === undefined ? '' : `to die ${dies.moment} doing ${dies.at + 1}`,
    patienceMs === undefined ? '' : `given up after ${Math.round(patienceMs / 1000)} s`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}
