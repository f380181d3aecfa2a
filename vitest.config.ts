import { defineConfig } from 'vitest/config';

/** Milliseconds. No bound that a test is about: a busy machine takes longer than the second of vitest's own. */
const expected = { poll: { timeout: 10_000 } };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/contract/**/*.test.ts', 'test/api/**/*.test.ts'],
          testTimeout: 30_000,
          expect: expected,
        },
      },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          testTimeout: 300_000,
          expect: expected,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'fault',
          include: ['test/fault/**/*.test.ts'],
          testTimeout: 600_000,
          expect: expected,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
