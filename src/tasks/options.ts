import type { Effective } from '../config/effective.ts'
import type { ConfigurationFile } from '../config/slipway-yaml.ts'
import { badInput } from '../core/error.ts'
import { layoutsWith } from '../extension/kinds.ts'
import { parsePlatform } from '../oci/platform.ts'
import type { Shape } from '../package/pack.ts'
import type { PackAllOptions } from '../package/pack-all.ts'
import type { Moving } from '../publishing/moving-tags.ts'
import { parseTarget, type Target } from '../store/address.ts'
import type { Compression } from '../tarball/compress.ts'
import type { Context } from './context.ts'
import type { ResolutionOptions } from './resolution.ts'

export type { ManyOptions } from '../release/many.ts'
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

/** Settings in the form tasks take them: what the command line and actions have in common. */
export function fromSettings(settings: Effective, file: ConfigurationFile | undefined) {
  const moving = settings.movingTags.value
  const testCommand = settings.testCommand.value
  return {
    layouts: layoutsWith(file?.value.kinds ?? {}),
    targets: settings.to.value.map(parseTarget),
    sources: settings.source.value.map(parseTarget),
    moving,
    compression:
      settings.compression.value === 'off' ? 'off' : (Number(settings.compression.value) as Compression),
    shape: settings.shape.value,
    allowDirty: settings.allowDirty.value,
    allowOverwrite: settings.allowOverwrite.value,
    allowIrreproducible: settings.allowIrreproducible.value,
    skipTests: settings.skipTests.value,
    testTimeout: settings.testTimeout.value,
    concurrency: settings.concurrency.value,
    ...(testCommand === undefined ? {} : { testCommand }),
  } as const
}

/** SOURCE_DATE_EPOCH as tasks take it. @throws SOURCE_DATE_EPOCH_INVALID */
export function sourceDateEpoch(environment: Context['environment']): { sourceDateEpoch?: number } {
  const text = environment.SOURCE_DATE_EPOCH
  if (text === undefined || text === '') return {}
  if (!/^\d{1,12}$/.test(text))
    throw badInput(
      'SOURCE_DATE_EPOCH_INVALID',
      `SOURCE_DATE_EPOCH is ${JSON.stringify(text.slice(0, 40))}, not a number of seconds`,
      {
        hint: 'Set it to whole seconds since 1970, such as $(git log -1 --format=%ct).',
      },
    )
  return { sourceDateEpoch: Number(text) }
}

/** How to solve, as flags and inputs give it. */
export interface GivenSolving {
  readonly lowest: boolean
  readonly offline: boolean
  /** Names by comma; `*` for all. */
  readonly prerelease: string | undefined
  /** NAME=RANGE by comma. */
  readonly override: string | undefined
  readonly platform: string | undefined
}

/** Without any flag of solving. */
export const solvedPlainly: GivenSolving = {
  lowest: false,
  offline: false,
  prerelease: undefined,
  override: undefined,
  platform: undefined,
}

/** Settings and flags in the form solving takes them. @throws OVERRIDE_INVALID, PLATFORM_INVALID */
export function solvingFrom(
  settings: Effective,
  file: ConfigurationFile | undefined,
  given: GivenSolving,
): Omit<ResolutionOptions, 'directory' | 'workspace'> {
  const { layouts, sources, concurrency } = fromSettings(settings, file)
  const { lowest, offline, prerelease, override, platform } = given
  const { value: core, origin } = settings.coreVersion
  if (platform !== undefined) parsePlatform(platform)
  return {
    layouts,
    sources,
    sourcesGiven: settings.source.origin !== 'default',
    concurrency,
    cacheDirectory: settings.cacheDir.value,
    lowest,
    offline,
    prereleases: listOf(prerelease),
    overrides: overridesOf(override),
    ...(core === undefined ? {} : { core: { text: core, origin } }),
    ...(platform === undefined ? {} : { platform }),
  }
}

function listOf(text = ''): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

function overridesOf(text: string | undefined): Record<string, string> {
  const pairs = listOf(text).map((one) => {
    const at = one.indexOf('=')
    // The first `=` ends the name; the range may hold more of them.
    if (at > 0 && at < one.length - 1) return [one.slice(0, at).trim(), one.slice(at + 1).trim()] as const
    throw badInput(
      'OVERRIDE_INVALID',
      `An override is ${JSON.stringify(one.slice(0, 100))}, which is not NAME=RANGE`,
      {
        hint: 'Write etcd=^3.5.0, several by comma.',
      },
    )
  })
  return Object.fromEntries(pairs)
}
