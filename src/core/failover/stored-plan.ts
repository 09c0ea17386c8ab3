/** Core (layer 1): a plan that was kept as JSON, read back. What apply relies on is checked; what it does not know passes. */
import { FailoverError } from '../../errors.ts';
import { fingerprintOf, plannedFacts } from './fingerprint.ts';
import { ACKNOWLEDGEMENT_KINDS, PLAN_VERSION, type Plan } from './plan.ts';
import { AUTHORITIES, FENCES, PHASES, SIDES, STEPS } from './vocabulary.ts';

/**
 * The plan that was kept; one that was changed since it was made is refused.
 * @param stored the value that JSON.parse gave, or its text
 * @throws FailoverError `FAILOVER_PLAN_INVALID` naming the field
 */
export function parsePlan(stored: unknown): Plan {
  const plan = record(typeof stored === 'string' ? parsed(stored) : stored, 'the plan');
  if (plan['format'] !== 'ontap-data-motion/plan') throw invalid('format', 'this is no plan of ontap-data-motion');
  if (plan['version'] !== PLAN_VERSION) {
    throw invalid(
      'version',
      `this release knows plans of version ${PLAN_VERSION}, this one has ${String(plan['version'])}`,
    );
  }
  const kind = oneOf(plan['kind'], ['failover', 'failback', 'drill'], 'kind');
  for (const name of ['id', 'target', 'fingerprint']) text(plan[name], name);
  number(plan['madeAt'], 'madeAt');
  checkScope(record(plan['scope'], 'scope'));
  const volumes = list(plan['volumes'], 'volumes').map((volume, index) =>
    checkVolume(volume, `volumes[${index}]`, kind),
  );
  list(plan['acknowledgements'], 'acknowledgements').forEach((one, index) => {
    checkAcknowledgement(one, `acknowledgements[${index}]`);
  });
  if (kind === 'failover') oneOf(plan['fence'], FENCES, 'fence');
  if (plan['fingerprint'] !== fingerprintOf(volumes)) {
    throw invalid('fingerprint', 'the plan was changed since it was made');
  }
  return plan as unknown as Plan;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('', 'this is no JSON');
  }
}

function checkScope(scope: Fields): void {
  text(scope['source'], 'scope.source');
  oneOf(scope['reach'], ['backend', 'group', 'volume'], 'scope.reach');
  list(scope['volumes'], 'scope.volumes').forEach((volume, index) => {
    text(volume, `scope.volumes[${index}]`);
  });
}

/** Gives what the fingerprint is made of. */
function checkVolume(value: unknown, where: string, kind: Plan['kind']): string {
  const volume = record(value, where);
  for (const name of ['volume', 'destinationVolume', 'why', 'observed']) text(volume[name], `${where}.${name}`);
  oneOf(volume['phase'], PHASES, `${where}.phase`);
  oneOf(volume['authority'], AUTHORITIES, `${where}.authority`);
  for (const step of list(volume['steps'], `${where}.steps`))
    oneOf(record(step, where)['step'], STEPS, `${where}.steps`);
  if (volume['junctionPath'] !== undefined) text(volume['junctionPath'], `${where}.junctionPath`);
  const keep =
    kind === 'failback' && volume['keep'] !== undefined ? oneOf(volume['keep'], SIDES, `${where}.keep`) : undefined;
  if (kind === 'drill') text(volume['clone'], `${where}.clone`);
  if (volume['blocked'] !== undefined) {
    const blocked = record(volume['blocked'], `${where}.blocked`);
    for (const name of ['code', 'reason', 'remedy']) text(blocked[name], `${where}.blocked.${name}`);
  }
  return plannedFacts({ volume: String(volume['volume']), observed: String(volume['observed']), keep });
}

function checkAcknowledgement(value: unknown, where: string): void {
  const one = record(value, where);
  for (const name of ['id', 'volume', 'backend', 'text']) text(one[name], `${where}.${name}`);
  oneOf(one['kind'], ACKNOWLEDGEMENT_KINDS, `${where}.kind`);
  oneOf(one['side'], SIDES, `${where}.side`);
  oneOf(one['needed'], ['always', 'if-update-fails'], `${where}.needed`);
}

type Fields = Readonly<Record<string, unknown>>;

function record(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw invalid(where, 'an object is expected');
}

function list(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalid(where, 'a list is expected');
}

function text(value: unknown, where: string): void {
  if (typeof value !== 'string' || value === '') throw invalid(where, 'a text is expected');
}

function number(value: unknown, where: string): void {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(where, 'a number is expected');
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], where: string): T {
  const found = allowed.find((one) => one === value);
  if (found !== undefined) return found;
  throw invalid(where, `one of ${allowed.join(', ')} is expected`);
}

function invalid(where: string, what: string): FailoverError {
  return new FailoverError('FAILOVER_PLAN_INVALID', where === '' ? what : `${where}: ${what}`, {
    attempted: 'read a plan',
    remedy: 'plan again, and apply the new plan',
    details: { field: where },
  });
}
