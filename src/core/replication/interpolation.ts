/**
 * Core (layer 1): `$name`, `${name}` and `${section.name}` in values of cinder.conf, by oslo.config's rules; `$$` and `\$` are a literal
 * dollar sign. A reference is looked up in its own section, then in [DEFAULT]; a backend's section does not reach
 * [backend_defaults]. Where oslo.config would put in an empty text, loop or stop, this says what is wrong.
 */
import { isMultiValued, optionNamed, optionRow } from './options.ts';
import {
  DEFAULT_SECTION,
  normalSectionName,
  type RawAssignment,
  type RawDocument,
  type RawSection,
  SHARED_SECTION,
  sectionOf,
} from './raw-document.ts';

export type Interpolation =
  | { readonly ok: true; readonly text: string }
  /** `reference` is what could not be put in, `why` a clause about it. */
  | { readonly ok: false; readonly reference: string; readonly why: string };

export type Interpolate = (section: RawSection, assignment: RawAssignment) => Interpolation;

/** An interpolation over one document that works out each option once. */
export function interpolator(document: RawDocument): Interpolate {
  const known = new Map<RawAssignment, Interpolation>();
  const inProgress = new Set<RawAssignment>();

  function textOf(section: RawSection, assignment: RawAssignment): Interpolation {
    const before = known.get(assignment);
    if (before !== undefined) return before;
    inProgress.add(assignment);
    const result = substitute(section, String(assignment.value));
    inProgress.delete(assignment);
    known.set(assignment, result);
    return result;
  }

  function substitute(section: RawSection, value: string): Interpolation {
    const template = value.replaceAll('\\$', () => '$$');
    let text = '';
    let end = 0;
    for (const match of template.matchAll(REFERENCE)) {
      const [whole, escaped, named, braced] = match;
      text += template.slice(end, match.index);
      end = match.index + whole.length;
      const reference = named ?? braced;
      if (escaped !== undefined || reference === undefined) {
        text += '$';
        continue;
      }
      const found = lookUp(section, reference);
      if (!found.ok) return found;
      text += found.text;
      if (text.length > MAX_LENGTH) return { ok: false, reference, why: 'makes the value longer than any may be' };
    }
    return { ok: true, text: text + template.slice(end) };
  }

  function lookUp(from: RawSection, reference: string): Interpolation {
    const fail = (why: string): Interpolation => ({ ok: false, reference, why });
    const dot = reference.indexOf('.');
    const option = reference.slice(dot + 1);
    const section = dot < 0 ? from : sectionOf(document, reference.slice(0, dot));
    if (section === undefined) return fail('names a section that the file does not have');
    const row = optionNamed(option);
    if (row !== undefined && optionRow(row).secret === true)
      return fail('names a secret, which cannot be put into another value');
    if (row !== undefined && isMultiValued(row)) return fail('names an option that has a list of values');
    const found = assigned(section, option) ?? (dot < 0 ? inDefault(option) : undefined);
    if (found === undefined) return unset(section, option, fail);
    if (inProgress.has(found.assignment)) return fail('leads back to itself');
    if (inProgress.size >= MAX_DEPTH) return fail('leads on and on to others');
    return textOf(found.section, found.assignment);
  }

  /** [DEFAULT] is asked only for options that a backend's section does not know: known ones are unset there, not missing. */
  function inDefault(option: string) {
    if (optionNamed(option) !== undefined) return undefined;
    const section = sectionOf(document, DEFAULT_SECTION);
    return section === undefined ? undefined : assigned(section, option);
  }

  return textOf;
}

function unset(section: RawSection, option: string, fail: (why: string) => Interpolation): Interpolation {
  const row = optionNamed(option);
  const preset = row === undefined ? undefined : optionRow(row).default;
  const shared = normalSectionName(section.name) === SHARED_SECTION || section.name === DEFAULT_SECTION;
  if (shared && preset !== undefined) return { ok: true, text: String(preset) };
  return fail(`names an option that [${section.name}] does not set`);
}

function assigned(section: RawSection, option: string): { section: RawSection; assignment: RawAssignment } | undefined {
  const assignment = section.assignments.findLast((one) => one.option === option);
  return assignment === undefined ? undefined : { section, assignment };
}

const REFERENCE = /\$(?:(\$)|([_a-z][._a-z0-9]*)|\{([_a-z][._a-z0-9]*)\})/gi;
const MAX_LENGTH = 65_536;
const MAX_DEPTH = 100;
