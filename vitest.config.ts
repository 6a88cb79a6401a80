import { defineConfig } from 'vitest/config'

/**
 * `unit` needs nothing but npm packages; `peers` drives the real registries and clients that `.ci/peers`
 * installs.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.peer.test.ts'],
          // Ten times and more what the slowest need: a busy machine of two cores is no failure.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'peers',
          include: ['test/**/*.peer.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
