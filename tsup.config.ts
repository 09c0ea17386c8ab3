import { readFileSync, rmSync } from 'node:fs';
import { defineConfig } from 'tsup';

// One entry per subpath of package.json: `./dist/ontap/index.js` is built from `src/ontap/index.ts`. A new subpath is a
// row there and its source file; a missing source file fails the build.
const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, string | { import: { default: string } }>;
};
const library: Record<string, string> = {};
for (const target of Object.values(exports)) {
  if (typeof target === 'string') continue; // ./package.json
  const name = target.import.default.replace(/^\.\/dist\/(.+)\.js$/, '$1');
  library[name] = `src/${name}.ts`;
}

// The three builds below run side by side into one folder, so none of them may clean it.
rmSync('dist', { recursive: true, force: true });

const shared = { outDir: 'dist', target: 'node22', platform: 'node', splitting: true } as const;

export default defineConfig([
  // The command line shares the library's chunks, and nothing of the library loads the command line.
  {
    ...shared,
    name: 'esm',
    format: 'esm',
    // What the threads of `compute` run is a file of its own, also for the CommonJS copy.
    entry: { ...library, 'cli/main': 'src/cli/main.ts', 'compute/worker/index': 'src/compute/worker/index.ts' },
  },
  // `treeshake` has Rollup, not esbuild, turn the chunks into CommonJS: esbuild takes the whole namespace of a required
  // ES module for its default export, Rollup looks at `__esModule`. p-retry and p-limit are ES modules only; every
  // Node of our engines requires those without flag or warning, so they stay dependencies like the others.
  { ...shared, name: 'cjs', format: 'cjs', entry: library, treeshake: true },
  // One pass of the type checker makes the declarations of both.
  { ...shared, name: 'types', format: ['esm', 'cjs'], entry: library, dts: { only: true } },
]);
