import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    // Two cores is what CI has; a worker a core keeps the wall time honest.
    maxWorkers: 2,
  },
});
