/**
 * Run (layer 3): ONTAP is asked beforehand whether it would refuse what a plan is going to do (`validate_only`): nothing is changed by it.
 * What it refuses is left out of the plan with its reason; where it cannot tell, the plan says so; a release that does not know the
 * question is not asked again.
 */
import pLimit from 'p-limit';
import { follows, isMoving, type MirrorFacts, type PairFacts } from '../../core/failover/facts.ts';
import { type FailbackPosition, failbackSituation } from '../../core/failover/failback-position.ts';
import type { FailbackPlan, FailbackVolume, FailoverPlan, FailoverVolume } from '../../core/failover/plan.ts';
import { DataMotionError, MirrorError, OntapError } from '../../errors.ts';
import type { Change, OntapSvm } from '../../ontap/ontap-svm.ts';
import { relationshipSpec } from './relate.ts';
import { mirrorContext, type Route, ranOutOfTime, within } from './world.ts';

const AT_ONCE = 32;

/** One thing to ask: the change, and what a refusal of it means. */
interface Question {
  readonly what: string;
  readonly svm: OntapSvm;
  /** `warns`: the plan can be carried out all the same, but for this. */
  readonly refusal: 'blocks' | 'warns';
  readonly ask: (signal: AbortSignal) => Promise<Change>;
}

/** Break and mount of each volume. A source that does not answer is not waited for: a break does without it. */
export function validatedFailover(
  route: Route,
  plan: FailoverPlan,
  pairs: readonly PairFacts[],
): Promise<FailoverPlan> {
  return validated<FailoverVolume, FailoverPlan>(route, plan, pairs, (pair, volume) => [
    ...breakOf(route.targetSvm, pair.source.answers && follows(pair.forward) ? pair.forward : undefined),
    ...mountOf(route.targetSvm, pair, volume),
  ]);
}

/** The next step of each volume that cannot be undone. */
export function validatedFailback(
  route: Route,
  plan: FailbackPlan,
  pairs: readonly PairFacts[],
): Promise<FailbackPlan> {
  return validated<FailbackVolume, FailbackPlan>(route, plan, pairs, (pair, { keep }) => {
    const situation = failbackSituation(pair, keep);
    return situation.kind === 'at' && pair.target.answers ? nextOf(route, pair, situation.position) : [];
  });
}

function nextOf(route: Route, pair: PairFacts, position: FailbackPosition): readonly Question[] {
  const { sourceSvm, targetSvm } = route;
  switch (position) {
    case 'create-reverse':
      return [creationOfReverse(route, pair)];
    case 'resync-reverse':
      return resyncOf(sourceSvm, pair.reverse);
    case 'catch-up':
      return breakOf(sourceSvm, pair.reverse);
    case 'discard-target':
    case 'reprotect':
      return resyncOf(targetSvm, pair.forward);
    default:
      return [];
  }
}

function breakOf(svm: OntapSvm, mirror: MirrorFacts | undefined): readonly Question[] {
  if (mirror === undefined) return [];
  const ask = (signal: AbortSignal) =>
    svm.setRelationshipState(mirror.uuid, 'broken_off', { validateOnly: true, signal });
  return [{ what: 'break the mirror off', svm, refusal: 'blocks', ask }];
}

function resyncOf(svm: OntapSvm, mirror: MirrorFacts | undefined): readonly Question[] {
  if (mirror?.state !== 'broken_off' || isMoving(mirror)) return [];
  const state = mirror.kind === 'sync' ? 'in_sync' : 'snapmirrored';
  const ask = (signal: AbortSignal) => svm.setRelationshipState(mirror.uuid, state, { validateOnly: true, signal });
  return [{ what: 'resync the mirror', svm, refusal: 'blocks', ask }];
}

function mountOf(svm: OntapSvm, { target }: PairFacts, { junctionPath }: FailoverVolume): readonly Question[] {
  const { found } = target;
  if (junctionPath === undefined || found === undefined || found.junctionPath !== undefined) return [];
  const ask = (signal: AbortSignal) => svm.mountVolume(found.uuid, junctionPath, { validateOnly: true, signal });
  return [{ what: `mount the copy at ${junctionPath}`, svm, refusal: 'warns', ask }];
}

function creationOfReverse(route: Route, pair: PairFacts): Question {
  const volumes = { volume: pair.volume, destinationVolume: pair.target.volume };
  const ask = async (signal: AbortSignal) => {
    const context = mirrorContext(route, 'reverse', volumes, { signal });
    const { sourceSvm, ...spec } = await relationshipSpec(route, context, pair.forward);
    const source = { svm: sourceSvm, volume: pair.target.volume };
    return route.sourceSvm.createRelationship(
      { source, destinationVolume: pair.volume, ...spec },
      { validateOnly: true, signal },
    );
  };
  return { what: 'create the mirror of the way back', svm: route.sourceSvm, refusal: 'blocks', ask };
}

/** Asks for every volume that is not left out anyway. */
async function validated<Volume extends FailoverVolume | FailbackVolume, Planned extends AnyPlan<Volume>>(
  route: Route,
  plan: Planned,
  pairs: readonly PairFacts[],
  questions: (pair: PairFacts, volume: Volume) => readonly Question[],
): Promise<Planned> {
  const limit = pLimit(AT_ONCE);
  const volumes = await limit.map(plan.volumes, async (volume): Promise<Volume> => {
    const pair = pairs.find((one) => one.volume === volume.volume);
    if (pair === undefined || volume.blocked !== undefined || volume.steps.length === 0) return volume;
    const answers = await Promise.all(questions(pair, volume).map((question) => answerTo(route, question)));
    return withAnswers(
      volume,
      answers.flatMap((answer) => answer ?? []),
    );
  });
  const blocked = new Set(volumes.filter((one) => one.blocked !== undefined).map((one) => one.volume));
  return { ...plan, volumes, acknowledgements: plan.acknowledgements.filter(({ volume }) => !blocked.has(volume)) };
}

interface AnyPlan<Volume> {
  readonly volumes: readonly Volume[];
  readonly acknowledgements: FailoverPlan['acknowledgements'];
}

/** What ONTAP has against it. */
interface Objection {
  readonly text: string;
  readonly remedy: string;
  readonly blocks: boolean;
}

function withAnswers<Volume extends FailoverVolume | FailbackVolume>(
  volume: Volume,
  objections: readonly Objection[],
): Volume {
  const refusal = objections.find(({ blocks }) => blocks);
  const warnings = objections.filter(({ blocks }) => !blocks).map(({ text }) => text);
  return {
    ...volume,
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(refusal === undefined
      ? {}
      : { steps: [], blocked: { code: 'FAILOVER_REFUSED', reason: refusal.text, remedy: refusal.remedy } }),
  };
}

async function answerTo(route: Route, { what, svm, refusal, ask }: Question): Promise<Objection | undefined> {
  try {
    await within(route, route.contactTimeoutMs, `ask whether ${svm.backend} would ${what}`, async (signal) =>
      svm.finish(await ask(signal), { signal, look: async () => true }),
    );
    return undefined;
  } catch (error) {
    route.signal.throwIfAborted();
    if (!(error instanceof DataMotionError)) throw error;
    if (error instanceof OntapError && isUnknownQuestion(error)) return undefined;
    const remedy = error.remedy ?? 'see why ONTAP refuses it, then plan again';
    const words = wordsOf(error);
    if (cannotTell(error)) {
      return { text: `${svm.backend} cannot tell whether it would ${what}: ${words}`, remedy, blocks: false };
    }
    return { text: `${svm.backend} would refuse to ${what}: ${words}`, remedy, blocks: refusal === 'blocks' };
  }
}

/** ONTAP's own message and code where it said something. */
function wordsOf(error: DataMotionError): string {
  if (!(error instanceof OntapError)) return error.message;
  const { ontapMessage, ontapCode } = error;
  return `${ontapMessage ?? error.message}${ontapCode === undefined ? '' : ` [${ontapCode}]`}`;
}

/** No such API here (3), no such argument (262179): this release cannot be asked. */
function isUnknownQuestion({ code, ontapCode }: OntapError): boolean {
  return code === 'ONTAP_TOO_OLD' || ontapCode === '3' || ontapCode === '262179';
}

const UNSETTLED: readonly string[] = ['ONTAP_OUTCOME_UNKNOWN', 'ONTAP_BAD_RESPONSE', 'ONTAP_NOT_FOUND'];

function cannotTell(error: DataMotionError): boolean {
  if (ranOutOfTime(error) || error.retryable) return true;
  return error instanceof OntapError ? UNSETTLED.includes(error.code) : !(error instanceof MirrorError);
}
