/**
 * Core (layer 1): the native format (YAML or JSON), already parsed to plain data, as a raw document. Checks its shape: which keys there
 * may be and what nests in what. What the values may be is the option table's business.
 */

import type { ReplicationProblem } from './configuration.ts';
import { OPTION_NAMES, type OptionName, optionRow } from './options.ts';
import {
  DEFAULT_SECTION,
  normalSectionName,
  type RawAssignment,
  type RawDocument,
  type RawSection,
  type RawValue,
  SHARED_SECTION,
} from './raw-document.ts';
import { closestWord } from './spelling.ts';

/** Keys and indexes from the top of the document. */
export type NativePath = readonly (string | number)[];

/** The one-based line of a key or an entry of a list, or of the nearest place around it. */
export type LineOf = (path: NativePath) => number | undefined;

/**
 * Reads a configuration like this, from YAML, JSON or a program. Never throws.
 * ```yaml
 * version: 1
 * backends:
 *   c1: { host: c1.example.com, svm: svm1, user: admin, passwordEnv: C1_PASSWORD, targets: [{ backend: c2, aggregates: { aggr1: aggr7 } }] }
 *   c2: { host: c2.example.com, svm: svm2, user: admin, passwordEnv: C2_PASSWORD }
 * ```
 */
export function readNative(value: unknown, lineOf: LineOf = () => undefined): RawDocument {
  const problems: ReplicationProblem[] = [];
  const sections: RawSection[] = [];
  const problem: Report = (path, message, expected) =>
    problems.push({ ...named(path), line: lineOf(path), message, expected });
  const top = mapping(value, [], problem) ?? {};
  for (const key of Object.keys(top)) {
    if (!TOP_KEYS.includes(key)) unknownKey([key], TOP_KEYS, problem);
  }
  if (top['version'] !== 1) problem(['version'], 'the version of the format is missing or unknown', 'version: 1');

  const backends = Object.hasOwn(top, 'backends') ? mapping(top['backends'], ['backends'], problem) : undefined;
  if (!Object.hasOwn(top, 'backends')) problem([], 'there are no backends', 'backends: {NAME: {host, svm, user, …}}');
  const enabled = Object.hasOwn(top, 'enabledBackends')
    ? (top['enabledBackends'] as RawValue)
    : Object.keys(backends ?? {});
  sections.push({
    name: DEFAULT_SECTION,
    label: '',
    line: lineOf([]),
    assignments: [
      { option: 'enabled_backends', label: 'enabledBackends', value: enabled, line: lineOf(['enabledBackends']) },
    ],
  });
  if (Object.hasOwn(top, 'defaults'))
    sections.push(backendSection(SHARED_SECTION, top['defaults'], ['defaults'], problem, lineOf));
  for (const [name, backend] of Object.entries(backends ?? {})) {
    const path = ['backends', name];
    const normal = normalSectionName(name);
    if (RESERVED.includes(name.toLowerCase())) problem(path, `no backend can be called ${name}`, 'another name');
    else if (sections.some((section) => normalSectionName(section.name) === normal)) {
      problem(path, 'the name differs from that of another backend by case only', 'names that differ by more');
    } else sections.push(backendSection(name, backend, path, problem, lineOf));
  }
  return { dialect: 'native', line: lineOf([]), sections, problems, notes: [] };
}

type Report = (path: NativePath, message: string, expected: string) => void;

const TOP_KEYS: readonly string[] = ['version', 'enabledBackends', 'defaults', 'backends'];
const RESERVED: readonly string[] = [DEFAULT_SECTION.toLowerCase(), SHARED_SECTION];

/** Native path -> option, for the options of a backend that are plain values. */
const LEAVES: ReadonlyMap<string, OptionName> = new Map(
  OPTION_NAMES.flatMap((name) => {
    const { native, ofFile, type } = optionRow(name);
    return native === undefined || ofFile === true || type.kind === 'pairs' ? [] : [[native, name] as const];
  }),
);
const TARGETS = 'targets';
const BACKEND_KEYS: readonly string[] = [TARGETS, ...LEAVES.keys()];

function backendSection(name: string, value: unknown, path: NativePath, problem: Report, lineOf: LineOf): RawSection {
  const assignments: RawAssignment[] = [];
  const walk = (group: unknown, prefix: readonly string[]) => {
    for (const [key, item] of Object.entries(mapping(group, [...path, ...prefix], problem) ?? {})) {
      const keys = [...prefix, key];
      const at = [...path, ...keys];
      const label = keys.join('.');
      const option = LEAVES.get(label);
      if (option !== undefined) assignments.push({ option, label, value: item as RawValue, line: lineOf(at) });
      else if (label === TARGETS) assignments.push(...targetAssignments(item, at, problem, lineOf));
      else if (BACKEND_KEYS.some((known) => known.startsWith(`${label}.`))) walk(item, keys);
      else unknownKey(at, BACKEND_KEYS, problem, label);
    }
  };
  walk(value, []);
  return { name, label: path.join('.'), line: lineOf(path), assignments };
}

/**
 * Each target becomes one `replication_device` and one `netapp_replication_aggregate_map`. The map is there even when it is empty: a
 * backend that lists its targets takes nothing of theirs from the defaults.
 */
function targetAssignments(value: unknown, path: NativePath, problem: Report, lineOf: LineOf): RawAssignment[] {
  if (!Array.isArray(value)) {
    problem(path, 'the targets are not a list', '- backend: NAME, one entry a target');
    return [];
  }
  const device = 'replication_device';
  const map = 'netapp_replication_aggregate_map';
  if (value.length === 0) {
    return [device, map].map((option) => ({ option, label: TARGETS, value: { pairs: [] }, line: lineOf(path) }));
  }
  return value.flatMap((entry: unknown, index) => {
    const at = [...path, index];
    const target = mapping(entry, at, problem);
    if (target === undefined) return [];
    for (const key of Object.keys(target))
      if (!TARGET_KEYS.includes(key)) unknownKey([...at, key], TARGET_KEYS, problem);
    const { backend, aggregates } = target;
    if (typeof backend !== 'string' || backend === '') {
      problem(at, 'the target does not name a backend', 'backend: NAME');
      return [];
    }
    const aggregatesAt = aggregates === undefined ? at : [...at, 'aggregates'];
    const pairs: [string, string][] = [['backend_id', backend]];
    for (const [source, destination] of Object.entries(mapping(aggregates ?? {}, aggregatesAt, problem) ?? {})) {
      if (typeof destination === 'string' && destination !== '' && source !== '' && source !== 'backend_id')
        pairs.push([source, destination]);
      else
        problem(
          [...aggregatesAt, source],
          'the names of aggregates have to be text',
          'SOURCE_AGGREGATE: DESTINATION_AGGREGATE',
        );
    }
    const label = `${TARGETS}[${index}]`;
    return [
      {
        option: device,
        label: `${label}.backend`,
        value: { pairs: [['backend_id', backend]] },
        line: lineOf([...at, 'backend']),
      },
      { option: map, label: `${label}.aggregates`, value: { pairs }, line: lineOf(aggregatesAt) },
    ] satisfies RawAssignment[];
  });
}

const TARGET_KEYS: readonly string[] = ['backend', 'aggregates'];

function mapping(value: unknown, path: NativePath, problem: Report): Record<string, unknown> | undefined {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  problem(path, 'there are no keys here', 'keys and values');
  return undefined;
}

function unknownKey(path: NativePath, known: readonly string[], problem: Report, label = String(path.at(-1))): void {
  const meant = closestWord(label, known);
  problem(path, 'the key is unknown', meant === undefined ? `one of ${known.join(', ')}` : `${meant}?`);
}

/** A path as section and option of a problem: `backends.c1` and `tls.verify`. */
function named(path: NativePath): { section: string; option?: string } {
  const depth = path[0] === 'backends' ? 2 : path[0] === 'defaults' ? 1 : 0;
  const section = path.slice(0, depth).join('.');
  if (path.length <= depth) return { section };
  const option = path
    .slice(depth)
    .reduce<string>(
      (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
      '',
    );
  return { section, option };
}
