import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { idleExceptions, RULES, type RuleName } from './architecture/rules.ts';
import { factsOf } from './architecture/source-facts.ts';

describe('the sources under src', () => {
  const facts = factsOf(readSources());

  for (const [rule, violationsIn] of Object.entries(RULES)) {
    it(rule, () => {
      expect(violationsIn(facts)).toEqual([]);
    });
  }

  it('need every exception that the rules make for them', () => {
    expect(idleExceptions(facts)).toEqual([]);
  });
});

/** Sources that break a rule, with the violations expected of them (a part of each), and sources that keep it. */
interface Example {
  readonly says: string;
  readonly sources: Readonly<Record<string, string>>;
  readonly violations: readonly string[];
}

const EXAMPLES: Readonly<Record<RuleName, readonly Example[]>> = {
  'every file belongs to a layer': [
    {
      says: 'a folder that the table does not know',
      sources: { 'src/misc/x.ts': '' },
      violations: ['src/misc/x.ts:1'],
    },
    { says: 'a known folder', sources: { 'src/run/mirror.ts': '' }, violations: [] },
  ],

  'a layer imports only what its row of the table allows': [
    {
      says: 'core importing a module of Node',
      sources: { 'src/core/a.ts': `\nimport { readFileSync } from 'node:fs';` },
      violations: ['src/core/a.ts:2 (core) imports node:fs'],
    },
    {
      says: 'core importing a port, in each of the ways to import',
      sources: {
        'src/ontap/ontap-svm.ts': '',
        'src/core/a.ts': `import '../ontap/ontap-svm.ts';`,
        'src/core/b.ts': `export { x } from '../ontap/ontap-svm.ts';`,
        'src/core/c.ts': `export const c = () => import('../ontap/ontap-svm.ts');`,
        'src/core/d.ts': `import type { X } from '../ontap/ontap-svm.ts';`,
        'src/core/e.ts': `export type E = import('../ontap/ontap-svm.ts').X;`,
        'src/core/f.ts': `export const f = (name: string) => import(name);`,
      },
      violations: [
        'src/core/a.ts:1',
        'src/core/b.ts:1',
        'src/core/c.ts:1',
        'src/core/d.ts:1',
        'src/core/e.ts:1',
        'src/core/f.ts:1',
      ],
    },
    {
      says: 'zod in core outside of replication',
      sources: {
        'src/core/mirror/a.ts': `import { z } from 'zod';`,
        'src/core/replication/b.ts': `import { z } from 'zod/mini';`,
      },
      violations: ['src/core/mirror/a.ts:1 (core) imports zod'],
    },
    {
      says: 'a port loading core, of which it may have types only',
      sources: {
        'src/core/mirror/words.ts': '',
        'src/ontap/ontap-svm.ts': `import type { A } from '../core/mirror/words.ts';\nimport { type B } from '../core/mirror/words.ts';`,
      },
      violations: ['src/ontap/ontap-svm.ts:2 (ports)'],
    },
    {
      says: 'run loading an adapter or a module of Node',
      sources: {
        'src/ontap/rest.ts': '',
        'src/run/mirror.ts': `import '../ontap/rest.ts';\nimport 'node:fs';\nimport pLimit from 'p-limit';`,
      },
      violations: ['src/run/mirror.ts:1 (run)', 'src/run/mirror.ts:2 (run)'],
    },
    {
      says: 'the facade loading an adapter',
      sources: { 'src/ontap/rest.ts': '', 'src/data-motion.ts': `import './ontap/rest.ts';` },
      violations: ['src/data-motion.ts:1 (facade)'],
    },
    {
      says: 'the client knowing our words, or a package of another layer',
      sources: {
        'src/ontap/ontap-svm.ts': '',
        'src/netapp-ontap-rest-client/client.ts': `import type { A } from '../ontap/ontap-svm.ts';\nimport 'yaml';\nimport 'undici';`,
      },
      violations: [
        'src/netapp-ontap-rest-client/client.ts:1 (client)',
        'src/netapp-ontap-rest-client/client.ts:2 (client)',
      ],
    },
    {
      says: 'an adapter other than ontap loading the client, and one loading another',
      sources: {
        'src/netapp-ontap-rest-client/client.ts': '',
        'src/state/directory.ts': '',
        'src/ontap/rest.ts': `import '../netapp-ontap-rest-client/client.ts';`,
        'src/object-store/s3.ts': `import '../netapp-ontap-rest-client/client.ts';\nimport '../state/directory.ts';`,
      },
      violations: ['src/object-store/s3.ts:1 (object-store)', 'src/object-store/s3.ts:2 (object-store)'],
    },
    {
      says: 'the simulated ONTAP running a rule of core other than the volume model',
      sources: {
        'src/core/wafl/volume.ts': '',
        'src/core/mirror/table.ts': '',
        'src/testing/simulated.ts': `import '../core/wafl/volume.ts';\nimport type { A } from '../core/mirror/table.ts';\nimport { b } from '../core/mirror/table.ts';`,
      },
      violations: ['src/testing/simulated.ts:3 (stand-ins)'],
    },
    {
      says: 'the volume model running a rule of core, which would carry it into the simulated ONTAP',
      sources: { 'src/core/mirror/table.ts': '', 'src/core/wafl/volume.ts': `import { a } from '../mirror/table.ts';` },
      violations: ['src/core/wafl/volume.ts:1 (wafl)'],
    },
    {
      says: 'somebody importing a surface or the command line',
      sources: {
        'src/cli/main.ts': `import '../ontap/index.ts';`,
        'src/ontap/index.ts': `import '../cli/main.ts';`,
        'src/index.ts': `export { a } from './ontap/index.ts';`,
        'src/run/mirror.ts': `import '../ontap/index.ts';`,
      },
      violations: ['src/ontap/index.ts:1 (surface)', 'src/index.ts:1 (surface)', 'src/run/mirror.ts:1 (run)'],
    },
    {
      says: 'packages of the command line and of the stand-ins elsewhere',
      sources: {
        'src/cli/a.ts': `import 'commander';\nimport 'yaml';\nimport 'selfsigned';`,
        'src/testing/b.ts': `import 'selfsigned';\nimport 'commander';`,
      },
      violations: ['src/cli/a.ts:3 (command line)', 'src/testing/b.ts:2 (stand-ins)'],
    },
  ],

  'no file is part of an import cycle, of types neither': [
    {
      says: 'a circle of three, one of its imports of types only',
      sources: {
        'src/core/a.ts': `import './b.ts';`,
        'src/core/b.ts': `import type { C } from './c.ts';`,
        'src/core/c.ts': `export { a } from './a.ts';`,
      },
      violations: ['src/core/a.ts -> src/core/b.ts -> src/core/c.ts -> src/core/a.ts'],
    },
    {
      says: 'two ways to the same file',
      sources: {
        'src/core/a.ts': `import './b.ts';\nimport './c.ts';`,
        'src/core/b.ts': `import './c.ts';`,
        'src/core/c.ts': '',
      },
      violations: [],
    },
  ],

  'a subpath does not load what its users did not ask for': [
    {
      says: 'the simulator and a package of the command line, behind another file',
      sources: {
        'src/index.ts': `export { x } from './data-motion.ts';`,
        'src/data-motion.ts': `import 'yaml';\nimport './testing/simulated.ts';`,
        'src/testing/simulated.ts': '',
      },
      violations: [
        'src/index.ts:1 loads yaml',
        'src/index.ts:1 loads stand-ins: src/index.ts -> src/data-motion.ts -> src/testing/simulated.ts',
      ],
    },
    {
      says: 'what is loaded later, or of which only types are used',
      sources: {
        'src/index.ts': `import type { A } from './testing/simulated.ts';\nexport const demo = () => import('./testing/simulated.ts');`,
        'src/testing/simulated.ts': '',
      },
      violations: [],
    },
  ],

  'the world is touched only where it is injected from': [
    {
      says: 'every part of the world',
      sources: {
        'src/run/a.ts': [
          'Date.now();',
          'new Date();',
          'Date();',
          'Math.random();',
          'setTimeout(() => {}, 1);',
          'globalThis.setInterval(() => {}, 1);',
          'setImmediate(() => {});',
          `process.env['X'];`,
          'console.log(1);',
          'performance.now();',
          'AbortSignal.timeout(5);',
          'export const { now } = Date;',
          'export const { random } = Math;',
          'export const world = { process };',
          `globalThis['process'].exit();`,
          'export const { env } = globalThis;',
        ].join('\n'),
      },
      violations: Array.from({ length: 16 }, (_, index) => `src/run/a.ts:${index + 1} uses`),
    },
    {
      says: 'the world as a module of Node',
      sources: {
        'src/testing/a.ts': `import { setTimeout } from 'node:timers/promises';\nimport process from 'node:process';\nprocess.exit();`,
      },
      violations: ['src/testing/a.ts:1 imports node:timers/promises', 'src/testing/a.ts:2 imports node:process'],
    },
    {
      says: `Node's globals in a layer of values`,
      sources: { 'src/core/a.ts': `Buffer.from('x');`, 'src/ontap/b.ts': `Buffer.from('x');` },
      violations: ['src/core/a.ts:1 uses Buffer.from'],
    },
    {
      says: 'given instants, pure mathematics, and names that only look like the world',
      sources: {
        'src/ontap/a.ts': [
          'new Date(5).toISOString(); Date.parse(text); Date.UTC(2020, 1); x instanceof Date; Math.max(1, 2);',
          'export function f(process: { exit(): void }, at: Date): Date { process.exit(); job.process(); return at; }',
          'export const g = { console: 1, setTimeout() {} };',
          'export type P = typeof process;',
          'export const h = ({ console: renamed }: { console: number }) => renamed;',
        ].join('\n'),
      },
      violations: [],
    },
    {
      says: 'the places that inject it',
      sources: { 'src/env.ts': 'Date.now();', 'src/cli/a.ts': 'process.exit();' },
      violations: [],
    },
    {
      says: 'a part that a place was not granted',
      sources: { 'src/env.ts': 'process.exit();' },
      violations: ['src/env.ts:1'],
    },
  ],

  'a surface names what it exports': [
    {
      says: 'a wildcard in a surface, and one elsewhere',
      sources: { 'src/ontap/index.ts': `\nexport * from './a.ts';`, 'src/ontap/a.ts': `export * from './b.ts';` },
      violations: ['src/ontap/index.ts:2'],
    },
  ],

  'files have telling names in kebab-case': [
    {
      says: 'names that are badly written or say nothing',
      sources: {
        'src/run/fooBar.ts': '',
        'src/run/utils.ts': '',
        'src/run/mirror-types.ts': '',
        'src/helpers/a.ts': '',
        'src/run/lag-time.ts': '',
      },
      violations: ['src/run/fooBar.ts:1', 'src/run/utils.ts:1', 'src/run/mirror-types.ts:1', 'src/helpers/a.ts:1'],
    },
  ],
};

describe('the checker', () => {
  for (const [rule, examples] of Object.entries(EXAMPLES)) {
    describe(rule, () => {
      for (const { says, sources, violations } of examples) {
        it(`${violations.length > 0 ? 'refuses' : 'accepts'} ${says}`, () => {
          const found = RULES[rule as RuleName](factsOf(new Map(Object.entries(sources))));
          expect(found).toEqual(violations.map((violation) => expect.stringContaining(violation)));
        });
      }
    });
  }

  it('finds an exception that nothing needs', () => {
    const facts = factsOf(new Map([['src/env.ts', 'setTimeout(f, Math.random());']]));
    expect(idleExceptions(facts)).toContain('src/env.ts may use Date and does not');
  });
});

/** Path -> text of every file under src that git knows of, or that is new. */
function readSources(): Map<string, string> {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'src/**.ts'], {
    encoding: 'utf8',
  });
  const paths = listed.split('\n').filter((path) => path !== '');
  return new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]));
}
