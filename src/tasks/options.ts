import type { Shape } from '../package/pack.ts'
import type { PackAllOptions } from '../package/pack-all.ts'
import type { Moving } from '../publishing/moving-tags.ts'
import type { Target } from '../store/address.ts'
import type { Compression } from '../tarball/compress.ts'
import type { Context } from './context.ts'

export type { SelectOptions } from '../release/plan.ts'

/** How packages are tested and packed. */
export interface PackingOptions {
  readonly compression: Compression
  readonly shape: Shape
  readonly allowIrreproducible: boolean
  /** Seconds since 1970 (SOURCE_DATE_EPOCH). */
  readonly sourceDateEpoch?: number
  readonly skipTests: boolean
  /** The command that tests an extension; default: `nu tests/run.nu` where that file exists. */
  readonly testCommand?: string
  /** Milliseconds for one extension's tests. */
  readonly testTimeout: number
  /** Packages under way at once. */
  readonly concurrency: number
}

/** Where and how artifacts are published. */
export interface PublishingOptions {
  readonly targets: readonly Target[]
  readonly moving: readonly Moving[]
  readonly allowOverwrite: boolean
  /** Releases under way at once. */
  readonly concurrency: number
}

/** What testing and packing need of a task's options and context. */
export async function packing(options: PackingOptions, context: Context): Promise<PackAllOptions> {
  const { compression, shape, allowIrreproducible, sourceDateEpoch, concurrency } = options
  const scratch = await context.scratch()
  const tests = {
    timeout: options.testTimeout,
    environment: context.environment,
    scratch,
    signal: context.signal,
    ...(options.testCommand === undefined ? {} : { command: options.testCommand }),
  }
  return {
    compression,
    shape,
    allowIrreproducible,
    concurrency,
    scratch,
    signal: context.signal,
    tests: options.skipTests ? undefined : tests,
    ...(sourceDateEpoch === undefined ? {} : { sourceDateEpoch }),
  }
}
