import { defineConfig } from 'vitest/config';

const inCi = process.env['CI'] !== undefined && process.env['CI'] !== '';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Answers of the simulated ONTAP are held against our OpenAPI document, in every test.
    globalSetup: ['test/setup/document.ts'],
    setupFiles: ['test/setup/answers.ts'],
    testTimeout: 20_000,
    // Two cores is what CI has; a worker a core keeps the wall time honest.
    maxWorkers: 2,
    // scripts/check.ts counts the tests from the JSON.
    reporters: inCi ? ['default', 'json'] : ['default'],
    outputFile: { json: '.tmp/vitest.json' },
  },
});
