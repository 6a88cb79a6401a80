import type { Clock } from '../core/clock.ts'
import type { Report } from '../core/report.ts'
import type { ExtractOptions } from '../tarball/extract.ts'
import type { PackageCache } from './cache.ts'
import type { Step } from './staging.ts'

export interface InstallOptions {
  /** The folder that `extensions/` and `kcl/` stand in. */
  readonly root: string
  /** Text of the lock that the items come from, to have a way back to it. */
  readonly lock: string
  readonly report: Report
  readonly cache?: PackageCache
  readonly signal?: AbortSignal
  readonly clock?: Clock
  /** Whether folders that somebody changed, or that Slipway did not install, give way. */
  readonly replace?: boolean
  /** Tells what would be done, and changes nothing. */
  readonly dryRun?: boolean
  /** Packages fetched at once; default 4. */
  readonly concurrency?: number
  readonly limits?: ExtractOptions['limits']
  /** Milliseconds to wait for another install into the same root; default 30,000. */
  readonly wait?: number
  /** Called before each change on disk, for tests that end there. */
  readonly step?: Step
}
