/** Core (layer 1): values of options out of the sections of a raw document, checked by the option table. */
import { type Findings, type Place, placeOf, placeOfSection } from './findings.ts';
import { interpolator } from './interpolation.ts';
import { expectedOf, type OptionName, optionRow, type ParsedValue, parseValue, type ValueOf } from './options.ts';
import {
  type Dialect,
  type RawAssignment,
  type RawDocument,
  type RawSection,
  SHARED_SECTION,
  sectionOf,
} from './raw-document.ts';

export type Found<T> =
  | { readonly state: 'set'; readonly value: T; readonly place: Place; readonly inherited: boolean }
  /** A problem was reported. */
  | { readonly state: 'unusable' }
  /** Set to an empty text, which is no value but hides the one of [backend_defaults], as in Cinder. */
  | { readonly state: 'blank'; readonly place: Place }
  | { readonly state: 'unset' };

const UNSET = { state: 'unset' } as const;
const UNUSABLE = { state: 'unusable' } as const;
const MAY_BE_BLANK: ReadonlySet<string> = new Set(['text', 'secret', 'host', 'file', 'variable', 'pattern']);

/** Reads options out of sections, and reports each value that cannot be used. */
export class OptionReader {
  readonly #document: RawDocument;
  readonly #findings: Findings;
  readonly #shared: RawSection | undefined;
  readonly #interpolate: ReturnType<typeof interpolator>;

  constructor(document: RawDocument, findings: Findings) {
    this.#document = document;
    this.#findings = findings;
    this.#shared = sectionOf(document, SHARED_SECTION);
    this.#interpolate = interpolator(document);
  }

  /** A single value: the last one of the section, or else of [backend_defaults]. */
  read<N extends OptionName>(section: RawSection, name: N): Found<ValueOf<N>> {
    const own = this.readIn(section, name);
    if (own.state !== 'unset' || this.#shared === undefined) return own;
    const shared = this.readIn(this.#shared, name);
    return shared.state === 'set' ? { ...shared, inherited: true } : shared;
  }

  readIn<N extends OptionName>(section: RawSection, name: N): Found<ValueOf<N>> {
    const assignments = assignmentsOf(section, name);
    const last = assignments.at(-1);
    if (last === undefined) return UNSET;
    if (assignments.length > 1) {
      this.#findings.note(
        placeOf(section, last),
        `the option is set ${assignments.length} times in the section; this last one counts`,
      );
    }
    // oslo.config takes an empty number for none.
    if (last.value === '' && optionRow(name).type.kind === 'integer') return UNSET;
    const place = placeOf(section, last);
    if (last.value === '' && this.dialect === 'cinder.conf' && MAY_BE_BLANK.has(optionRow(name).type.kind)) {
      return { state: 'blank', place };
    }
    const parsed = this.#parse(section, name, last);
    return parsed === undefined ? UNUSABLE : { state: 'set', value: parsed, place, inherited: false };
  }

  /** Every value: all of the section's or, if it has none, all of [backend_defaults]. */
  readEvery<N extends OptionName>(
    section: RawSection,
    name: N,
  ): { value: ValueOf<N>; place: Place; inherited: boolean }[] {
    const inherited = assignmentsOf(section, name).length === 0;
    const from = inherited ? this.#shared : section;
    if (from === undefined) return [];
    return assignmentsOf(from, name).flatMap((one) => {
      const value = this.#parse(from, name, one);
      return value === undefined ? [] : [{ value, place: placeOf(from, one), inherited }];
    });
  }

  get dialect(): Dialect {
    return this.#document.dialect;
  }

  /** The name that the file's format has for an option. */
  label(name: OptionName): string {
    return this.dialect === 'native' ? (optionRow(name).native ?? name) : name;
  }

  #parse<N extends OptionName>(section: RawSection, name: N, assignment: RawAssignment): ValueOf<N> | undefined {
    const { dialect } = this;
    let raw: unknown = assignment.value;
    if (dialect === 'cinder.conf') {
      const result = this.#interpolate(section, assignment);
      if (!result.ok) {
        // The name behind the dollar sign may be half of a password.
        const reference = optionRow(name).secret === true ? 'a reference' : `$${result.reference}`;
        this.#findings.problem(
          placeOf(section, assignment),
          `${reference} in the value ${result.why}`,
          '$$ for a dollar sign that is meant as one',
        );
        return undefined;
      }
      raw = result.text;
    }
    const parsed: ParsedValue<ValueOf<N>> = parseValue(name, raw, dialect);
    if (parsed.ok) return parsed.value;
    this.#findings.problem(placeOf(section, assignment), parsed.message, parsed.expected);
    return undefined;
  }
}

/** The current name goes before older ones, in their order, however the file orders them. */
function assignmentsOf(section: RawSection, name: OptionName): readonly RawAssignment[] {
  for (const known of [name, ...(optionRow(name).aliases ?? [])]) {
    const assignments = section.assignments.filter((one) => one.option === known);
    if (assignments.length > 0) return assignments;
  }
  return [];
}

/** The options of one backend. */
export class BackendReader {
  readonly #section: RawSection;
  readonly #reader: OptionReader;
  readonly #findings: Findings;

  constructor(section: RawSection, reader: OptionReader, findings: Findings) {
    this.#section = section;
    this.#reader = reader;
    this.#findings = findings;
  }

  /** The value, or the table's default, or nothing. */
  value<N extends OptionName>(name: N): ValueOf<N> | undefined {
    const found = this.#reader.read(this.#section, name);
    if (found.state === 'set') return found.value;
    const preset = optionRow(name).default;
    if (preset === undefined || found.state === 'unusable') return undefined;
    const parsed = parseValue(name, preset, 'native');
    return parsed.ok ? parsed.value : undefined;
  }

  milliseconds(name: OptionNameOf<number>): number {
    return (this.value(name) ?? 0) * 1000;
  }

  every<N extends OptionName>(name: N) {
    return this.#reader.readEvery(this.#section, name);
  }

  /** Reports a value that is missing, and puts an empty text in its place. */
  required(name: OptionNameOf<string>): string {
    const found = this.#reader.read(this.#section, name);
    if (found.state === 'unset' || found.state === 'blank') {
      const { type } = optionRow(name);
      this.#findings.problem(this.placeOf(name), 'the option is missing', expectedOf(type, this.#reader.dialect));
    }
    return found.state === 'set' ? found.value : '';
  }

  /** Also true of a value that cannot be used, which has its problem already. */
  isSet(name: OptionName): boolean {
    return isThere(this.#reader.read(this.#section, name));
  }

  isOwn(name: OptionName): boolean {
    return isThere(this.#reader.readIn(this.#section, name));
  }

  here(): Place {
    return placeOfSection(this.#section);
  }

  placeOf(name: OptionName): Place {
    const found = this.#reader.read(this.#section, name);
    if (found.state === 'set' || found.state === 'blank') return found.place;
    return { ...this.here(), option: this.label(name) };
  }

  label(name: OptionName): string {
    return this.#reader.label(name);
  }
}

function isThere(found: Found<unknown>): boolean {
  return found.state === 'set' || found.state === 'unusable';
}

type OptionNameOf<T> = { [N in OptionName]: ValueOf<N> extends T ? N : never }[OptionName];
