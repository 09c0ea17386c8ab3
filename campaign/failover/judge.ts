/**
 * What must hold, whatever happened: judged by what stands in the simulated clusters and by what hosts were promised. The library's
 * word is held against it, never taken for it.
 */
import type { OperationReport, VolumeOutcome, VolumeReplicationState } from '../../src/index.ts';
import { type Scene, SOURCE } from './scene.ts';

/**
 * A finished operation is complete, or says exactly what is not.
 * @param alone nobody else worked meanwhile: then what stands there now is what the operation left
 */
export function judgeReport(scene: Scene, report: OperationReport, alone: boolean): void {
  const done = report.volumes.filter(({ outcome }) => outcome === 'done').length;
  const result = done === report.volumes.length ? 'done' : done > 0 ? 'partial' : 'failed';
  if (report.result !== result)
    scene.violation(`${done} of ${report.volumes.length} are done, told as ${report.result}`);
  for (const outcome of report.volumes) judgeOutcome(scene, report, outcome, alone);
}

function judgeOutcome(scene: Scene, { kind, target }: OperationReport, told: VolumeOutcome, alone: boolean): void {
  const { volume, outcome, authority, error } = told;
  const what = `${kind} of ${volume}`;
  if (outcome !== 'done') {
    if (error === undefined) scene.violation(`${what} is told as ${outcome}, without a reason`);
    return;
  }
  const [winner, loser] = kind === 'failover' ? [target, SOURCE] : [SOURCE, target];
  if (error !== undefined) scene.violation(`${what} is told as done, with an error: ${error.message}`);
  // A target that is silent might have been failed over to: nobody is named then, which the debt says.
  const unseen = authority === 'undecided' && told.debts.some((debt) => debt.kind === 'reprotect');
  if (!unseen && authority !== (kind === 'failover' ? 'target' : 'source'))
    scene.violation(`${what} is done, and ${authority} counts`);
  if (!alone) return;
  judgeWinner(scene, what, winner, told);
  judgeLoser(scene, what, loser, told);
}

/** It can be worked with, and holds everything that nobody agreed to lose. */
function judgeWinner(scene: Scene, what: string, winner: string, { volume, debts }: VolumeOutcome): void {
  const side = scene.side(winner, volume);
  const owed = (kind: string) => debts.some((debt) => debt.kind === kind);
  if (side?.type === 'rw' && side.state === 'offline' && owed('not-mounted')) return;
  if (side?.type !== 'rw' || side.state !== 'online') {
    scene.violation(`${what} is done, but ${winner}:${volume} is ${side?.state} and of type ${side?.type}`);
    return;
  }
  if (side.junctionPath === undefined && !owed('not-mounted')) {
    scene.violation(`${what} is done, but ${winner}:${volume} is not mounted, which is not owed`);
  }
  judgeData(scene, what, winner, volume);
}

/** What stands in the way of safety or protection is owed by name. */
function judgeLoser(scene: Scene, what: string, loser: string, { volume, debts }: VolumeOutcome): void {
  const side = scene.side(loser, volume);
  if (side === undefined || !scene.clusterOf(loser).alive) return;
  const writable = side.type === 'rw' && side.state === 'online' && side.junctionPath !== undefined;
  const told = debts.some(({ kind }) => kind === 'source-unfenced' || kind === 'reprotect');
  if (writable && !told)
    scene.violation(`${what} is done, but hosts can still write to ${loser}:${volume}, which is not owed`);
  if (loser !== SOURCE && side.type === 'rw' && !debts.some(({ kind }) => kind === 'reprotect')) {
    scene.violation(`${what} is done, but ${loser}:${volume} is no copy, which is not owed`);
  }
}

/** No acknowledged write is missing where it counts, but those that somebody agreed to lose by name. */
export function judgeData(scene: Scene, what: string, backend: string, volume: string): void {
  const lost = scene.ledger.missingFrom(scene.heldAt(backend, volume), volume);
  if (lost.length === 0) return;
  const numbers = lost.map((write) => `${write.number} (at ${write.backend})`).join(', ');
  scene.violation(`${what}: ${backend}:${volume} counts, but writes are lost that nobody accepted: ${numbers}`);
}

/** One look names at most one side of a volume. */
export function judgeStates(scene: Scene, states: readonly VolumeReplicationState[]): void {
  const named = new Map<string, Set<string>>();
  for (const { volume, target, authority } of states) {
    if (authority === 'undecided') continue;
    const sides = named.get(volume) ?? new Set();
    named.set(volume, sides.add(authority === 'source' ? SOURCE : target));
  }
  for (const [volume, sides] of named) {
    if (sides.size > 1) scene.violation(`two sides of ${volume} are called authoritative: ${[...sides].join(' and ')}`);
  }
}
