/** The architecture's rules. Each takes facts and gives its violations as sentences that start with `file:line`. */
import { posix } from 'node:path';
import { AMBIENT_WORLD, EMPTY_NAMES, LAYERS, type Layer, NODE_GLOBALS, NOT_LOADED_BY } from './layers.ts';
import type { ImportFact, SourceFacts } from './source-facts.ts';

export const RULES = {
  'every file belongs to a layer': filesWithoutLayer,
  'a layer imports only what its row of the table allows': forbiddenImports,
  'no file is part of an import cycle, of types neither': importCycles,
  'a subpath does not load what its users did not ask for': unaskedLoads,
  'the world is touched only where it is injected from': worldUses,
  'a surface names what it exports': surfaceWildcards,
  'files have telling names in kebab-case': poorNames,
} as const satisfies Record<string, (facts: readonly SourceFacts[]) => string[]>;

export type RuleName = keyof typeof RULES;

function filesWithoutLayer(facts: readonly SourceFacts[]): string[] {
  return facts.filter(({ path }) => !layerOf(path)).map(({ path }) => `${path}:1 has no row in the table of layers`);
}

function forbiddenImports(facts: readonly SourceFacts[]): string[] {
  return facts.flatMap(({ path, imports }) => {
    const layer = layerOf(path);
    if (!layer) return [];
    return imports.flatMap((fact) => {
      const why = refusal(layer, fact);
      return why ? [`${path}:${fact.line} (${layer.name}) imports ${fact.specifier ?? 'a computed name'}: ${why}`] : [];
    });
  });
}

function refusal(layer: Layer, { specifier, target, typeOnly }: ImportFact): string | undefined {
  if (specifier === undefined) return 'nobody can check that';
  if (target.kind === 'node') return layer.node ? undefined : 'this layer does without node:';
  if (target.kind === 'package') {
    return layer.packages?.includes(target.name) ? undefined : `packages allowed here: ${list(layer.packages)}`;
  }
  const imported = layerOf(target.name);
  if (!imported) return 'that is in no layer';
  if (layer.imports.includes(imported.name)) return undefined;
  if (layer.types?.includes(imported.name))
    return typeOnly ? undefined : `only types of ${imported.name}, by import type`;
  return `layers allowed here: ${list(layer.imports)}`;
}

/** The shortest cycles, of which no two share a file: mending these shows the longer ones that remain. */
function importCycles(facts: readonly SourceFacts[]): string[] {
  const imported = new Map(facts.map(({ path, imports }) => [path, filesAmong(imports)]));
  const cycles = [...imported.keys()].flatMap((path) => shortestCycle(imported, path));
  const reported = new Set<string>();
  return cycles
    .sort((a, b) => a.length - b.length)
    .filter((cycle) => {
      const isNew = cycle.every((path) => !reported.has(path));
      for (const path of isNew ? cycle : []) reported.add(path);
      return isNew;
    })
    .map((cycle) => `${cycle[0]}:1 is part of a cycle: ${cycle.join(' -> ')}`);
}

/** The shortest way from a file back to itself, as a list of none or one. */
function shortestCycle(imported: ReadonlyMap<string, readonly string[]>, start: string): string[][] {
  const trails: string[][] = [[start]];
  const seen = new Set<string>();
  for (const trail of trails) {
    for (const next of imported.get(trail.at(-1) ?? '') ?? []) {
      if (next === start) return [[...trail, start]];
      if (!seen.has(next)) trails.push([...trail, next]);
      seen.add(next);
    }
  }
  return [];
}

function unaskedLoads(facts: readonly SourceFacts[]): string[] {
  const byPath = new Map(facts.map((fact) => [fact.path, fact]));
  return Object.entries(NOT_LOADED_BY).flatMap(([entry, never]) => {
    const violations: string[] = [];
    const seen = new Set<string>();
    const load = (path: string, trail: readonly string[]): void => {
      if (seen.has(path)) return;
      seen.add(path);
      const via = [...trail, path];
      const layer = layerOf(path)?.name ?? '';
      if (never.layers.includes(layer)) violations.push(`${entry}:1 loads ${layer}: ${via.join(' -> ')}`);
      const loaded = byPath.get(path)?.imports.filter(({ typeOnly, dynamic }) => !typeOnly && !dynamic) ?? [];
      for (const { target } of loaded) {
        if (target.kind === 'relative') load(target.name, via);
        else if (never.packages.includes(target.name))
          violations.push(`${entry}:1 loads ${target.name}: ${via.join(' -> ')}`);
      }
    };
    load(entry, []);
    return violations;
  });
}

/** Ambient names that are the world, with or without a member; `Date` only where it reads the clock. */
const WORLD = ['Date', 'Math.random', 'setTimeout', 'setInterval', 'setImmediate', 'process', 'console', 'performance'];
/** `const { random } = Math` and the like would hide what is used. */
const WORLD_OWNERS = ['Math', 'AbortSignal', 'globalThis'];
const WORLD_MODULES = ['node:timers', 'node:timers/promises', 'node:process', 'node:console', 'node:perf_hooks'];

/** The part of the world that an ambient name touches, if any. */
function worldOf(name: string): string | undefined {
  if (name === 'AbortSignal.timeout' || WORLD_OWNERS.includes(name)) return name;
  return WORLD.find((part) => name === part || name.startsWith(`${part}.`));
}

function worldUses(facts: readonly SourceFacts[]): string[] {
  return facts.flatMap(({ path, ambient, imports }) => {
    const allowed = allowedWorld(path);
    if (allowed === 'everything') return [];
    const layer = layerOf(path);
    const uses = ambient.flatMap(({ name, line }) => {
      const part = worldOf(name) ?? (layer?.pure ? nodeGlobalOf(name) : undefined);
      return part && !allowed.includes(part) ? [`${path}:${line} uses ${name}: it is injected, by src/env.ts`] : [];
    });
    const modules = imports
      .filter(
        ({ target, typeOnly }) => !typeOnly && WORLD_MODULES.includes(target.name) && !allowed.includes(target.name),
      )
      .map(({ target, line }) => `${path}:${line} imports ${target.name}: the world is injected, by src/env.ts`);
    return [...uses, ...modules];
  });
}

function nodeGlobalOf(name: string): string | undefined {
  return NODE_GLOBALS.find((global) => name === global || name.startsWith(`${global}.`));
}

function allowedWorld(path: string): readonly string[] | 'everything' {
  const row = Object.entries(AMBIENT_WORLD).find(([pattern]) => matches(path, pattern));
  return row?.[1] ?? [];
}

/** Exceptions of AMBIENT_WORLD that nothing needs any more. */
export function idleExceptions(facts: readonly SourceFacts[]): string[] {
  return Object.entries(AMBIENT_WORLD).flatMap(([pattern, allowed]) => {
    if (allowed === 'everything') return [];
    const files = facts.filter(({ path }) => matches(path, pattern));
    const used = files.flatMap(({ ambient, imports }) => [
      ...ambient.map(({ name }) => worldOf(name) ?? name),
      ...imports.map(({ target }) => target.name),
    ]);
    return allowed.filter((name) => !used.includes(name)).map((name) => `${pattern} may use ${name} and does not`);
  });
}

function surfaceWildcards(facts: readonly SourceFacts[]): string[] {
  return facts
    .filter(({ path }) => posix.basename(path) === 'index.ts')
    .flatMap(({ path, wildcards }) => wildcards.map((line) => `${path}:${line} exports a wildcard`));
}

function poorNames(facts: readonly SourceFacts[]): string[] {
  return facts.flatMap(({ path }) =>
    path.split('/').flatMap((part) => {
      const stem = part.replace(/(\.test)?\.ts$/, '');
      if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem)) return [`${path}:1 ${part} is not kebab-case`];
      const last = stem.split('-').at(-1) ?? '';
      return EMPTY_NAMES.includes(last) ? [`${path}:1 ${part} says nothing about what it holds`] : [];
    }),
  );
}

function layerOf(path: string): Layer | undefined {
  return LAYERS.find(({ files }) => files.some((pattern) => matches(path, pattern)));
}

// Patterns: an exact path, `folder/**`, or `folder/**/name` for a name at any depth.
function matches(path: string, pattern: string): boolean {
  const [folder = '', rest] = pattern.split('/**');
  if (rest === undefined) return path === pattern;
  return path.startsWith(`${folder}/`) && path.endsWith(rest);
}

function filesAmong(imports: readonly ImportFact[]): string[] {
  return imports.filter(({ target }) => target.kind === 'relative').map(({ target }) => target.name);
}

function list(names: readonly string[] | undefined): string {
  return names?.length ? names.join(', ') : 'none';
}
