/**
 * Core (layer 1): a configuration file as it was read: sections of options with values and lines, before anything is known about
 * what they mean. cinder.conf and the native format meet here, under Cinder's option names.
 */
import type { ReplicationProblem } from './configuration.ts';

/** A configuration as it was written: sections, options and values with their lines, before anything is checked. */
export interface RawDocument {
  readonly dialect: Dialect;
  /** Where problems of the file as a whole are put: its first line, when the text is known. */
  readonly line: number | undefined;
  /** One per name (names differ by more than case), in order of first appearance. */
  readonly sections: readonly RawSection[];
  /** What is wrong with the text itself. Reading went on behind each problem. */
  readonly problems: readonly ReplicationProblem[];
  readonly notes: readonly ReplicationProblem[];
}

export type Dialect = 'cinder.conf' | 'native';

export interface RawSection {
  readonly name: string;
  /** What problems call it: the name in cinder.conf, `backends.NAME` in the native format. */
  readonly label: string;
  /** One-based line of its first appearance, when the text is known. */
  readonly line: number | undefined;
  readonly assignments: readonly RawAssignment[];
}

/** One line that sets an option. An option that is set several times has several of them, in the order of the text. */
export interface RawAssignment {
  /** Cinder's name of the option. */
  readonly option: string;
  /** The name that the file has for it. */
  readonly label: string;
  readonly value: RawValue;
  readonly line: number | undefined;
}

/** cinder.conf has only strings; the native format has the scalars and lists of YAML, and pairs where Cinder has a dict option. */
export type RawValue = string | number | boolean | null | readonly unknown[] | RawPairs;

export interface RawPairs {
  readonly pairs: readonly (readonly [key: string, value: string])[];
}

export const DEFAULT_SECTION = 'DEFAULT';
export const SHARED_SECTION = 'backend_defaults';

/** oslo.config's rule: section names are compared in lower case, but for DEFAULT, which is only that. */
export function normalSectionName(name: string): string {
  return name === DEFAULT_SECTION ? name : name.toLowerCase();
}

export function sectionOf(document: RawDocument, name: string): RawSection | undefined {
  const normal = normalSectionName(name);
  return document.sections.find((section) => normalSectionName(section.name) === normal);
}
