import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

// A user needs no such file: in this repository the package is its own source.
export default defineConfig({
  resolve: { alias: { 'ontap-data-motion/testing': resolve('src/testing/index.ts') } },
  test: { include: ['examples/vitest/**/*.test.ts'], reporters: ['default', 'json'] },
});
