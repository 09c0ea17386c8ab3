import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** What no file may contain, put together from pieces so that this file does not. */
const FORBIDDEN: Readonly<Record<string, readonly RegExp[]>> = {
  'paths of one machine': [
    absolutePath('work'),
    absolutePath('root'),
    absolutePath('home', '[a-z]+'),
    absolutePath('Users', '\\w+'),
    absolutePath('tmp'),
  ],
  'hosts of package registries': [
    word(['registry', 'npmjs', 'org'].join('.')),
    word(['registry', 'yarnpkg', 'com'].join('.')),
    word(['npm', 'pkg', 'github', 'com'].join('.')),
    word(['deb', 'debian', 'org'].join('.')),
    word(['pypi', 'org'].join('.')),
    word(['proxy', 'golang', 'org'].join('.')),
    // The one that this run's npm is set to, if npm runs this.
    ...hostOf(process.env['npm_config_registry']).map(word),
  ],
};

describe('the files of the repository', () => {
  const files = trackedFiles();

  for (const [what, patterns] of Object.entries(FORBIDDEN)) {
    it(`contain no ${what}`, () => {
      expect(occurrences(files, patterns)).toEqual([]);
    });
  }

  it('hold a lockfile that names no place to download from', () => {
    const { packages } = JSON.parse(files.get('package-lock.json') ?? '{}') as {
      packages: Record<string, { resolved?: string }>;
    };
    const named = Object.entries(packages).filter(([, entry]) => entry.resolved?.includes('//'));
    expect(Object.keys(packages).length).toBeGreaterThan(50);
    expect(named).toEqual([]);
  });
});

describe('the search for forbidden text', () => {
  const samples: Readonly<Record<string, readonly string[]>> = {
    'paths of one machine': [
      ['see ', '/wo', 'rk/x/notes.md'].join(''),
      ['cd "', '/ro', 'ot/.npm"'].join(''),
      ['/ho', 'me/jane/x'].join(''),
      ['file:', '///U', 'sers/jane/x'].join(''),
      ["'", '/tm', "p/x'"].join(''),
    ],
    'hosts of package registries': [`https://${['registry', 'npmjs', 'org'].join('.')}/zod`],
  };
  const innocent = 'docs/work/x, ./tmp/x, x}/tmp/, https://example.com/root/x, /api/storage, /home/:id, a/home/b/c';

  for (const [what, texts] of Object.entries(samples)) {
    it(`finds ${what}`, () => {
      for (const text of texts)
        expect(occurrences(new Map([['a.md', `\n${text}`]]), FORBIDDEN[what] ?? [])).toHaveLength(1);
    });
  }

  it('leaves relative paths and URLs alone', () => {
    expect(occurrences(new Map([['a.md', innocent]]), Object.values(FORBIDDEN).flat())).toEqual([]);
  });
});

/** `file:line: text` of each line that matches. */
function occurrences(files: ReadonlyMap<string, string>, patterns: readonly RegExp[]): string[] {
  return [...files].flatMap(([path, text]) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        patterns.some((pattern) => pattern.test(line)) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : [],
      ),
  );
}

/** A folder at the root of a file system, not further down a path or URL. */
function absolutePath(...folders: string[]): RegExp {
  return new RegExp(`(?<![\\w.})\\]*/-])(file://)?/${folders.join('/')}/`);
}

function word(text: string): RegExp {
  return new RegExp(`\\b${text.replaceAll('.', '\\.')}\\b`);
}

function hostOf(url: string | undefined): string[] {
  const host = url ? new URL(url).hostname : '';
  return /^(|localhost|127\..*|\[::1\])$/.test(host) ? [] : [host];
}

/** Path -> text of the tracked text files. */
function trackedFiles(): Map<string, string> {
  const paths = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0');
  const present = paths.filter((path) => path !== '' && existsSync(path));
  return new Map(
    present.map((path) => [path, readFileSync(path, 'utf8')] as const).filter(([, text]) => !text.includes('\0')),
  );
}
