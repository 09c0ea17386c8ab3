/** Core (layer 1): notes on what is in a configuration and does nothing, or not what it seems to. */
import type { BackendConfiguration } from './configuration.ts';
import { placeOf, placeOfSection } from './findings.ts';
import { type Context, isNetAppSection, type Member } from './members.ts';
import { closestOption, optionNamed, optionRow } from './options.ts';
import {
  DEFAULT_SECTION,
  normalSectionName,
  type RawAssignment,
  type RawSection,
  SHARED_SECTION,
} from './raw-document.ts';

/** Notes on options and sections that are there and do nothing. */
export function remarkOptions(members: readonly Member[], context: Context): void {
  const used = new Set(members.map((member) => member.section));
  for (const section of context.document.sections) {
    if (section.name === DEFAULT_SECTION) {
      if (members.length === 0) continue;
      for (const one of section.assignments.filter(
        ({ option }) => option.startsWith('netapp_') || option === 'replication_device',
      )) {
        context.findings.note(
          placeOf(section, one),
          `backends take nothing from [${DEFAULT_SECTION}]: the option has no effect here`,
          `[${SHARED_SECTION}]`,
        );
      }
    } else if (used.has(section) || normalSectionName(section.name) === SHARED_SECTION) {
      for (const one of section.assignments) remarkOption(section, one, context);
    } else if (members.length > 0 && isNetAppSection(section, context)) {
      context.findings.note(
        { section: section.label, option: undefined, line: section.line },
        'the backend is neither enabled nor a target of one that is: nothing reads it',
      );
    }
  }
}

function remarkOption(section: RawSection, assignment: RawAssignment, context: Context): void {
  const name = optionNamed(assignment.option);
  if (name === undefined) {
    if (!/^(netapp|replication|datamotion)_/.test(assignment.option)) return;
    const meant = closestOption(assignment.option);
    context.findings.note(
      placeOf(section, assignment),
      'no option has this name',
      meant === undefined ? undefined : `${meant}?`,
    );
    return;
  }
  const { unused, remark, type } = optionRow(name);
  if (type.kind === 'pattern' && /\{\d+,\d*\}/.test(String(assignment.value))) {
    context.findings.note(placeOf(section, assignment), 'a comma ends a pattern, also inside of braces');
  }
  if (unused !== true || remark === undefined) return;
  const off = type.kind === 'boolean' && /^(false|0|off|no)$/i.test(String(assignment.value));
  if (!off) context.findings.note(placeOf(section, assignment), `the option has no effect: ${remark}`);
}

/** Two names can come to the same variable (`c-1`, `c.1`): the same password would be sent to two clusters. */
export function remarkPasswordVariables(
  members: readonly Member[],
  backends: readonly BackendConfiguration[],
  context: Context,
): void {
  const users = new Map<string, string>();
  for (const { name, section } of members) {
    const credentials = backends.find((backend) => backend.name === name)?.credentials;
    if (
      credentials?.kind !== 'password' ||
      !('env' in credentials.password) ||
      credentials.password.fileEnv === undefined
    )
      continue;
    const { env } = credentials.password;
    const other = users.get(env);
    if (other === undefined) users.set(env, name);
    else
      context.findings.note(
        placeOfSection(section),
        `the password is taken from the same environment variable as that of ${other}: ${env}`,
      );
  }
}
