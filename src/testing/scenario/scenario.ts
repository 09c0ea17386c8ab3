/**
 * A world written down: clusters with what they hold and in which state it is. It is data (JSON, or YAML once somebody has
 * parsed it), checked as a whole before anything is made; `buildScenario` makes the world of it.
 */
import { ConfigError, type ConfigProblem } from '../../errors.ts';
import { SCENARIO, type Scenario } from './form.ts';

/**
 * Checks a scenario. Sizes may be numbers or text such as `100MiB`, times ISO 8601, durations milliseconds or `PT36H`.
 * @throws ConfigError `CONFIG_INVALID`, with every problem and its path
 */
export function parseScenario(given: unknown): Scenario {
  const result = SCENARIO.safeParse(given);
  if (!result.success) {
    throw unusable(result.error.issues.map(({ path, message }) => ({ at: pathText(path), message })));
  }
  const problems = [...nameProblems(result.data), ...relationshipProblems(result.data), ...faultProblems(result.data)];
  if (problems.length > 0) throw unusable(problems);
  return result.data;
}

/** What is wrong, and where: `clusters[0].volumes[2].size`. */
export interface ScenarioProblem {
  readonly at: string;
  readonly message: string;
}

export function unusable(problems: readonly ScenarioProblem[]): ConfigError {
  const listed: ConfigProblem[] = problems.map(({ at, message }) => ({ section: '', option: at, message }));
  const text = problems.map(({ at, message }) => `${at}: ${message}`).join('; ');
  return new ConfigError('CONFIG_INVALID', `the scenario cannot be used: ${text}`, { problems: listed });
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text.replace(/^\./, '') || 'scenario';
}

const DEFAULT_SVMS = ['svm1'];

/** Names that are given twice, or are not there. */
function* nameProblems({ clusters, peers }: Scenario): Generator<ScenarioProblem> {
  yield* repeated(
    clusters.map(({ name }) => name),
    (index) => `clusters[${index}].name`,
  );
  for (const [index, { name, svms = DEFAULT_SVMS, volumes = [], users = [] }] of clusters.entries()) {
    const at = `clusters[${index}]`;
    yield* repeated(
      volumes.map((volume) => `${volume.svm}:${volume.name}`),
      (i) => `${at}.volumes[${i}].name`,
    );
    for (const [i, { svm }] of volumes.entries()) {
      if (!svms.includes(svm)) yield { at: `${at}.volumes[${i}].svm`, message: `${name} has no SVM ${svm}` };
    }
    for (const [i, { svm }] of users.entries()) {
      if (svm !== undefined && !svms.includes(svm)) {
        yield { at: `${at}.users[${i}].svm`, message: `${name} has no SVM ${svm}` };
      }
    }
  }
  for (const [index, peering] of (typeof peers === 'object' ? peers : []).entries()) {
    for (const side of ['from', 'to'] as const)
      yield* placeProblems(clusters, peering[side], `peers[${index}].${side}`);
  }
}

function* relationshipProblems({ clusters, relationships = [] }: Scenario): Generator<ScenarioProblem> {
  const volumes = new Set(
    clusters.flatMap(({ name, volumes: all = [] }) => all.map((volume) => `${name}:${volume.svm}:${volume.name}`)),
  );
  yield* repeated(
    relationships.map(({ destination }) => destination),
    (i) => `relationships[${i}].destination`,
  );
  for (const [index, given] of relationships.entries()) {
    const at = `relationships[${index}]`;
    const { source, destination, state = 'snapmirrored' } = given;
    for (const [side, end] of Object.entries({ source, destination })) {
      yield* placeProblems(clusters, end.slice(0, end.lastIndexOf(':')), `${at}.${side}`);
    }
    if (!volumes.has(source)) yield { at: `${at}.source`, message: `there is no volume ${source}` };
    if (given.lag !== undefined && (state === 'uninitialized' || state === 'in_sync')) {
      yield { at: `${at}.lag`, message: `there is no lag in the state ${state}` };
    }
    if (given.destinationChanges !== undefined && state !== 'broken_off') {
      yield { at: `${at}.destinationChanges`, message: 'only the destination of what is broken_off can be written to' };
    }
    if (given.transferring && state !== 'snapmirrored' && state !== 'uninitialized') {
      yield { at: `${at}.transferring`, message: `nothing is transferred in the state ${state}` };
    }
  }
}

function* faultProblems({ clusters, faults = [] }: Scenario): Generator<ScenarioProblem> {
  for (const [index, { cluster }] of faults.entries()) {
    if (clusters.some(({ name }) => name === cluster)) continue;
    yield { at: `faults[${index}].cluster`, message: `there is no cluster ${cluster}` };
  }
}

/** `cluster:svm` */
function* placeProblems(clusters: Scenario['clusters'], place: string, at: string): Generator<ScenarioProblem> {
  const [name, svm = ''] = place.split(':');
  const cluster = clusters.find((known) => known.name === name);
  if (!cluster) yield { at, message: `there is no cluster ${name}` };
  else if (!(cluster.svms ?? DEFAULT_SVMS).includes(svm)) yield { at, message: `${name} has no SVM ${svm}` };
}

function* repeated(names: readonly string[], at: (index: number) => string): Generator<ScenarioProblem> {
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) < index) yield { at: at(index), message: `${name} is there already` };
  }
}
