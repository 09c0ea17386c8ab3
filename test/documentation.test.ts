import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const MARKDOWN = ['README.md', 'CHANGELOG.md', ...readdirSync('docs').map((name) => `docs/${name}`)];

describe('the documentation', () => {
  it('shows the tables that the code decides by (npm run docs writes them)', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/generate-docs.ts', '--check'], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  for (const file of MARKDOWN) {
    it(`${file}: every link to a file of the project leads somewhere`, () => {
      const links = [...readFileSync(file, 'utf8').matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, to = '']) => to);
      const dead = links.filter((to) => !/^[a-z]+:/.test(to) && !existsSync(join(dirname(file), to)));
      expect(dead).toEqual([]);
    });
  }
});

it('the API reference has every subpath of the package', () => {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> };
  const { entryPoints } = JSON.parse(readFileSync('typedoc.json', 'utf8')) as { entryPoints: string[] };
  const subpaths = Object.keys(exports).filter((name) => name !== './package.json');
  const files = subpaths.map((name) => `src/${name.slice(2)}${name === '.' ? '' : '/'}index.ts`);
  expect(entryPoints.toSorted()).toEqual(files.toSorted());
});
