/** Edge (layer 8): plans of failover, failback and drill as people read them. Losses are listed one by one, whatever their number. */
import type {
  Acknowledgement,
  FailbackVolume,
  GoodSnapshot,
  Plan,
  PlannedStep,
  PlannedVolume,
  RecoveryPoint,
  TargetVerdict,
} from '../../core/failover/plan.ts';
import type { Authority } from '../../core/failover/vocabulary.ts';
import { bytes, duration, tableText } from '../terminal.ts';

/** The whole plan: what it is about, each volume, the steps, what they overwrite, what has to be accepted. */
export function planText(plan: Plan): string {
  return [
    heading(plan),
    ...targetLines(plan),
    volumeTable(plan),
    ...blockedLines(plan),
    ...stepLines(plan),
    ...overwriteLines(plan),
    acknowledgementsText(plan.acknowledgements),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** Each loss with the word that accepts it. */
export function acknowledgementsText(losses: readonly Acknowledgement[]): string {
  const lines = (needed: Acknowledgement['needed']) =>
    losses
      .filter((loss) => loss.needed === needed)
      .map(({ id, text, estimateBytes }) => {
        const size = estimateBytes === undefined ? 'How much is not known.' : `${bytes(estimateBytes)}.`;
        return `  ${text} ${size}\n    --accept-loss ${id}`;
      });
  const [always, perhaps] = [lines('always'), lines('if-update-fails')];
  return [
    ...(always.length === 0
      ? []
      : ['To be accepted before anything is done (--accept-loss alone: all of it):', ...always]),
    ...(perhaps.length === 0 ? [] : ['To be accepted should the last update not come through:', ...perhaps]),
  ].join('\n');
}

/** Which backend counts. */
export function backendThatCounts(
  plan: { readonly scope: { readonly source: string }; readonly target: string },
  authority: Authority,
): string {
  if (authority === 'undecided') return 'undecided';
  return authority === 'source' ? plan.scope.source : plan.target;
}

function heading({ kind, scope, target, volumes, id }: Plan): string {
  const count = volumes.length === 1 ? '1 volume' : `${volumes.length} volumes`;
  const way = kind === 'failover' ? `to ${target}` : kind === 'failback' ? `from ${target}` : `at ${target}`;
  const whole = scope.reach === 'backend' ? 'the whole backend, ' : '';
  return `Plan of a ${kind} of ${scope.source} ${way} (${whole}${count}; plan ${id})`;
}

function targetLines(plan: Plan): readonly string[] {
  if (plan.kind === 'failback') {
    return [
      { backend: plan.scope.source, answers: plan.sourceAnswers },
      { backend: plan.target, answers: plan.targetAnswers },
    ].flatMap(({ backend, answers }) => (answers ? [] : [`${backend} does NOT ANSWER`]));
  }
  const silent = plan.kind === 'failover' && !plan.sourceAnswers ? [`${plan.scope.source} does NOT ANSWER`] : [];
  return [
    ...silent,
    `chosen: ${verdictText(plan.chosen)}`,
    ...plan.rejected.map((verdict) => `not chosen: ${verdictText(verdict)}`),
  ];
}

function verdictText({ target, why, covered, of, unhealthy, worstLagSeconds }: TargetVerdict): string {
  const health = unhealthy === 0 ? 'all healthy' : `${unhealthy} unhealthy`;
  const lag = worstLagSeconds === undefined ? 'age unknown' : `oldest copy ${duration(worstLagSeconds)}`;
  return `${target}: ${why} (${covered} of ${of} covered, ${health}, ${lag})`;
}

function volumeTable(plan: Plan): string {
  if (plan.kind === 'failback') {
    return tableText(
      ['volume', 'state', 'counts now', 'kept', 'common snapshot', 'changed at source', 'changed at target', 'steps'],
      plan.volumes.map((volume: FailbackVolume) => [
        volume.volume,
        volume.phase,
        backendThatCounts(plan, volume.authority),
        volume.keep ?? (volume.blocked === undefined ? 'target' : ''),
        snapshotText(volume.common),
        sizeText(volume.sourceChangedBytes),
        sizeText(volume.targetChangedBytes),
        stepCount(volume),
      ]),
    );
  }
  return tableText(
    ['volume', 'state', 'counts now', 'last good snapshot', 'age', 'written since', 'steps'],
    plan.volumes.map((volume: PlannedVolume & { readonly recoveryPoint: RecoveryPoint }) => [
      volume.volume,
      volume.phase,
      backendThatCounts(plan, volume.authority),
      snapshotText(volume.recoveryPoint.snapshot),
      volume.recoveryPoint.ageSeconds === undefined ? 'unknown' : duration(volume.recoveryPoint.ageSeconds),
      sizeText(volume.recoveryPoint.writtenSinceBytes),
      stepCount(volume),
    ]),
  );
}

function blockedLines({ volumes }: Plan): readonly string[] {
  return volumes.flatMap(({ volume, blocked }) =>
    blocked === undefined
      ? []
      : [`${volume} is left out: ${blocked.reason} [${blocked.code}]\n  what to do: ${blocked.remedy}`],
  );
}

/** Volumes with the same steps are told once: of fifty alike the first stands for all. */
function stepLines({ volumes }: Plan): readonly string[] {
  const busy = volumes.filter(({ steps }) => steps.length > 0);
  return [...new Set(busy.map(stepNames))].flatMap((names) => {
    const alike = busy.filter((volume) => stepNames(volume) === names);
    const [first] = alike;
    if (first === undefined) return [];
    const others = alike.length === 1 ? '' : ` (and ${alike.length - 1} more in the same way)`;
    return [`Steps for ${first.volume}${others}:`, ...first.steps.map(stepLine)];
  });
}

function stepLine({ step, text, pointOfNoReturn }: PlannedStep, index: number): string {
  const mark = pointOfNoReturn === true ? '  <== POINT OF NO RETURN' : '';
  return `  ${index + 1}. ${step}: ${text}${mark}`;
}

function overwriteLines({ volumes }: Plan): readonly string[] {
  const lines = volumes.flatMap(({ volume, steps }) =>
    steps.flatMap(({ step, overwrites }) => (overwrites === undefined ? [] : [`  ${volume}, ${step}: ${overwrites}`])),
  );
  return lines.length === 0 ? [] : ['What is overwritten, for good:', ...lines];
}

function stepCount({ steps, blocked }: PlannedVolume): string {
  if (blocked !== undefined) return 'left out';
  if (steps.length === 0) return 'nothing to do';
  const decisive = steps.find(({ pointOfNoReturn }) => pointOfNoReturn === true);
  return decisive === undefined ? `${steps.length}` : `${steps.length}, no return from ${decisive.step}`;
}

function stepNames({ steps }: PlannedVolume): string {
  return steps.map(({ step }) => step).join(' ');
}

function snapshotText(snapshot: GoodSnapshot | undefined): string {
  return snapshot?.name ?? '-';
}

function sizeText(size: number | undefined): string {
  return size === undefined ? 'unknown' : bytes(size);
}
