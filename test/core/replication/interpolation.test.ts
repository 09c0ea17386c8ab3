// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how oslo.config writes references
import { describe, expect, it } from 'vitest';
import { parseCinderConf } from '../../../src/core/replication/cinder-conf.ts';
import { interpolator } from '../../../src/core/replication/interpolation.ts';
import { sectionOf } from '../../../src/core/replication/raw-document.ts';

/** The value of option `a` in section [s]. */
function a(text: string) {
  const document = parseCinderConf(text);
  const section = sectionOf(document, 's');
  const assignment = section?.assignments.findLast((one) => one.option === 'a');
  if (section === undefined || assignment === undefined) throw new Error('the text has no option a in [s]');
  return interpolator(document)(section, assignment);
}

describe('references are put in as oslo.config puts them in', () => {
  it.each<[string, string, string]>([
    ['$$ is a dollar sign', '[s]\na = x$$y', 'x$y'],
    ['so is a backslash and a dollar sign', '[s]\na = x\\$b\nb = 1', 'x$b'],
    ['$name and ${name} mean the option of the own section', '[s]\na = $b-${b}c\nb = 1', '1-1c'],
    ['then that of [DEFAULT]', '[DEFAULT]\nb = 1\n[s]\na = $b', '1'],
    ['the own section goes first', '[DEFAULT]\nb = 1\n[s]\na = $b\nb = 2', '2'],
    ['${section.name} means that of another section', '[s]\na = ${T.b}\n[t]\nb = 1', '1'],
    ['references of references are followed', '[s]\na = $b\nb = <$c>\nc = 1', '<1>'],
    ['the last line of a repeated option counts', '[s]\na = $b\nb = 1\nb = 2', '2'],
    ['a dollar sign that starts no name stays', '[s]\na = 5$ $1 ${ ${b', '5$ $1 ${ ${b'],
    [
      'a known option that [backend_defaults] does not set has its default',
      '[s]\na = ${backend_defaults.netapp_lun_copy_timeout}\n[backend_defaults]',
      '300',
    ],
  ])('%s', (_name, text, expected) => {
    expect(a(text)).toEqual({ ok: true, text: expected });
  });
});

describe('where oslo.config would stop, loop or put in nothing, the reference is refused', () => {
  it.each<[string, string, string, string]>([
    ['an unknown option', '[s]\na = pa$word', 'word', 'names an option that [s] does not set'],
    ['an unknown option in capitals', '[s]\na = $B\nb = 1', 'B', 'names an option that [s] does not set'],
    ['an unknown section', '[s]\na = ${nowhere.b}', 'nowhere.b', 'names a section that the file does not have'],
    [
      'a dot at the end, which belongs to the name',
      '[s]\na = ${s.b.}\nb = 1',
      's.b.',
      'names an option that [s] does not set',
    ],
    ['itself', '[s]\na = $a', 'a', 'leads back to itself'],
    ['itself by way of another', '[s]\na = $b\nb = $a', 'a', 'leads back to itself'],
    [
      'an option of [backend_defaults] by its bare name',
      '[s]\na = $netapp_login\n[backend_defaults]\nnetapp_login = x',
      'netapp_login',
      'names an option that [s] does not set',
    ],
    [
      'a known option that only [DEFAULT] sets',
      '[DEFAULT]\nnetapp_login = x\n[s]\na = $netapp_login',
      'netapp_login',
      'names an option that [s] does not set',
    ],
    [
      'a password',
      '[s]\na = $netapp_password\nnetapp_password = x',
      'netapp_password',
      'names a secret, which cannot be put into another value',
    ],
    [
      'an option with several values',
      '[s]\na = $replication_device\nreplication_device = backend_id:x',
      'replication_device',
      'names an option that has a list of values',
    ],
  ])('%s', (_name, text, reference, why) => {
    expect(a(text)).toEqual({ ok: false, reference, why });
  });

  it('a chain without end is refused where it gets too long', () => {
    const links = Array.from({ length: 20_000 }, (_, link) => `v${link} = $v${link + 1}`);
    expect(a(`[s]\na = $v0\n${links.join('\n')}`)).toMatchObject({ ok: false, why: 'leads on and on to others' });
  });

  it('a value that doubles without end is refused, and fast', () => {
    const levels = Array.from({ length: 60 }, (_, level) => `v${level} = $v${level + 1}$v${level + 1}`);
    expect(a(`[s]\na = $v0\n${levels.join('\n')}\nv60 = x`)).toMatchObject({ ok: false });
    expect(a(`[s]\na = $v0\n${levels.join('\n')}\nv60 =`)).toEqual({ ok: true, text: '' });
  });
});
