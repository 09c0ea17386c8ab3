/** Core (layer 1): which sections of a configuration take part: the enabled NetApp backends, and the targets of each in turn. */
import { type Findings, type Place, placeOfSection } from './findings.ts';
import type { OptionReader } from './option-reader.ts';
import {
  DEFAULT_SECTION,
  normalSectionName,
  type RawDocument,
  type RawSection,
  SHARED_SECTION,
  sectionOf,
} from './raw-document.ts';
import { closestWord } from './spelling.ts';

/** What the parts of one resolution share. */
export interface Context {
  readonly document: RawDocument;
  readonly findings: Findings;
  readonly reader: OptionReader;
  readonly resolvePath: (path: string) => string;
}

/** A section that takes part. */
export interface Member {
  /** As `enabled_backends` spells it, or else the section. */
  readonly name: string;
  readonly section: RawSection;
  readonly enabled: boolean;
}

/** One accepted `replication_device`. */
export interface Device {
  readonly source: Member;
  readonly target: Member;
  readonly place: Place;
}

export function enabledMembers(context: Context): Member[] {
  const defaults = sectionOf(context.document, DEFAULT_SECTION);
  const found =
    defaults === undefined ? ({ state: 'unset' } as const) : context.reader.readIn(defaults, 'enabled_backends');
  if (found.state === 'unusable') return [];
  if (found.state !== 'set' || found.value.length === 0) {
    noneEnabled(defaults, found.state === 'unset' ? undefined : found.place, context);
    return [];
  }
  const members: Member[] = [];
  const seen = new Set<string>();
  let skipped = 0;
  for (const name of found.value) {
    if (seen.has(normalSectionName(name))) {
      context.findings.problem(found.place, `backend ${name} is enabled twice`, 'each backend once');
      continue;
    }
    seen.add(normalSectionName(name));
    const section = backendSectionOf(context.document, name);
    if (section === undefined)
      context.findings.problem(
        found.place,
        `backend ${name} is enabled but has no section`,
        existing(context.document, name),
      );
    else if (isEnabledNetApp(section, context)) members.push({ name, section, enabled: true });
    else skipped += 1;
  }
  if (members.length === 0 && skipped === seen.size) {
    context.findings.problem(
      found.place,
      'none of the enabled backends is a NetApp one',
      `volume_driver = ${NETAPP_DRIVERS}common.NetAppDriver in the section of one`,
    );
  }
  return members;
}

function noneEnabled(defaults: RawSection | undefined, place: Place | undefined, context: Context): void {
  const oldStyle = defaults?.assignments.find((one) => one.option.startsWith('netapp_'));
  if (defaults !== undefined && oldStyle !== undefined) {
    const at = { section: defaults.label, option: oldStyle.label, line: oldStyle.line };
    const message =
      'the backend is set up in [DEFAULT], and no backend is enabled: Cinder has not read this old style since Ocata';
    context.findings.problem(
      at,
      message,
      'a section of its own for the backend, and its name in enabled_backends of [DEFAULT]',
    );
    return;
  }
  // A native document without backends has its problem already.
  if (context.document.dialect === 'native' && context.document.problems.length > 0) return;
  const at = place ?? {
    section: defaults?.label ?? '',
    option: undefined,
    line: defaults?.line ?? context.document.line,
  };
  context.findings.problem(
    at,
    'no backend is enabled',
    `the name of a backend in ${context.reader.label('enabled_backends')}`,
  );
}

const NETAPP_DRIVERS = 'cinder.volume.drivers.netapp.';

/** Whose driver a section names, itself or by [backend_defaults]. */
function vendorOf(section: RawSection, context: Context): 'netapp' | 'other' | 'unsaid' {
  if (context.document.dialect === 'native') return 'netapp';
  const driver = context.reader.read(section, 'volume_driver');
  if (driver.state !== 'set') return 'unsaid';
  return driver.value.startsWith(NETAPP_DRIVERS) ? 'netapp' : 'other';
}

/** Without a driver an enabled section is known by its options. */
function isEnabledNetApp(section: RawSection, context: Context): boolean {
  const vendor = vendorOf(section, context);
  if (vendor !== 'unsaid') return vendor === 'netapp';
  if (!section.assignments.some((one) => one.option.startsWith('netapp_'))) return false;
  context.findings.note(
    placeOfSection(section),
    'the section sets no volume_driver; its options make it a NetApp backend here, but Cinder would load its default driver',
  );
  return true;
}

/** Whether a section that takes no part calls itself a NetApp backend. */
export function isNetAppSection(section: RawSection, context: Context): boolean {
  if (context.document.dialect === 'native') return true;
  const { value } = section.assignments.findLast((one) => one.option === 'volume_driver') ?? {};
  return typeof value === 'string' && value.startsWith(NETAPP_DRIVERS);
}

function backendSectionOf(document: RawDocument, name: string): RawSection | undefined {
  const reserved = [DEFAULT_SECTION, SHARED_SECTION].includes(normalSectionName(name));
  return reserved ? undefined : sectionOf(document, name);
}

function existing(document: RawDocument, name: string): string {
  const names = document.sections
    .map((section) => section.name)
    .filter((one) => backendSectionOf(document, one) !== undefined);
  const meant = closestWord(name, names);
  return meant === undefined
    ? `a backend of that name; there ${names.length === 0 ? 'is none' : `are ${names.join(', ')}`}`
    : `${meant}?`;
}

/** Reads the targets of a member, and makes members of those that are not yet. */
export function devicesOf(source: Member, members: Map<string, Member>, context: Context): Device[] {
  const devices: Device[] = [];
  for (const { value, place, inherited } of context.reader.readEvery(source.section, 'replication_device')) {
    if (value.length === 0) continue;
    const name = value.find(([key]) => key === 'backend_id')?.[1];
    if (name === undefined) {
      context.findings.problem(place, 'the replication device names no backend', 'backend_id:NAME');
      continue;
    }
    const extra = value.filter(([key]) => key !== 'backend_id').map(([key]) => key);
    if (extra.length > 0)
      context.findings.note(place, `only backend_id counts here; nothing reads ${extra.join(', ')}`);
    const section = backendSectionOf(context.document, name);
    if (normalSectionName(name) === normalSectionName(source.name)) {
      if (inherited) context.findings.note(place, `the target ${name} is left out for ${source.name} itself`);
      else
        context.findings.problem(
          place,
          `backend ${source.name} is its own replication target`,
          'the name of another backend',
          'CONFIG_TARGET_IS_SELF',
        );
    } else if (section === undefined) {
      context.findings.problem(
        place,
        `the target ${name} has no section`,
        existing(context.document, name),
        'CONFIG_TARGET_UNKNOWN',
      );
    } else if (devices.some((device) => normalSectionName(device.target.name) === normalSectionName(name))) {
      context.findings.problem(place, `the target ${name} is listed twice`, 'each target once');
    } else if (vendorOf(section, context) === 'other') {
      context.findings.problem(
        place,
        `the target ${name} is not a NetApp backend`,
        `volume_driver = ${NETAPP_DRIVERS}common.NetAppDriver in [${section.name}]`,
      );
    } else {
      const target = members.get(normalSectionName(name)) ?? { name: section.name, section, enabled: false };
      members.set(normalSectionName(name), target);
      devices.push({ source, target, place });
    }
  }
  return devices;
}
