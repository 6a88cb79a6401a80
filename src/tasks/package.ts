import type { Finding } from '../core/finding.ts'
import { grouped } from '../core/report.ts'
import type { Digest } from '../oci/digest.ts'
import { packAll } from '../package/pack-all.ts'
import { judge } from '../publishing/overwrite.ts'
import { type PlannedRelease, plan } from '../release/plan.ts'
import { Sources } from '../release/sources.ts'
import { showTarget, type Target, under } from '../store/address.ts'
import { copy } from '../store/copy.ts'
import { openStage } from '../store/stage.ts'
import { treeSize } from '../tree/size.ts'
import type { Context } from './context.ts'
import { type PackingOptions, packing, type SelectOptions } from './options.ts'
import { type PackedOutcome, packedOutcome } from './outcome.ts'

export interface PackageOptions extends SelectOptions, PackingOptions {
  /** A layout or an archive; a package that stands there under the same tag is replaced. */
  readonly output: Target
}

export interface PackageResult {
  readonly packages: readonly PackedOutcome[]
  readonly findings: readonly Finding[]
  /** As given: `archive:stage.tar`. */
  readonly output: string
}

/**
 * Checks, tests and packs, and leaves the artifacts with their exact tags in a layout or an archive that
 * `publish --from` takes on. Moving tags are a registry's business.
 */
export async function packageReleases(options: PackageOptions, context: Context): Promise<PackageResult> {
  const { report, signal } = context
  await using sources = new Sources({ ...context, directory: options.directory })
  const { releases, findings } = await plan(options, sources)
  for (const finding of findings) report.emit({ type: 'finding', finding })
  await using stage = await openStage(await treeSize(releases.map((one) => one.tree)), context.scratch)
  const how = await packing(options, context)
  const packed = await grouped(report, 'Test and package', () => packAll(releases, stage, how))
  const output = await context.open(options.output)
  /** Where the same content stands already, its manifest is the one that stays. */
  const kept = new Map<PlannedRelease, Digest>()
  for (const { job, packed: one } of packed) {
    const to = output.repository(under(options.output, job.repository))
    const place = { store: to, tag: job.tag, allowOverwrite: true }
    const existing = await to.manifest(job.tag, { signal })
    if (judge(existing, one.encoded, place) === 'unchanged' && existing !== undefined) {
      kept.set(job, existing.descriptor.digest)
      continue
    }
    await copy(stage.repository(job.repository), one.encoded.descriptor, to, { referrers: true, signal })
    await to.tag(one.encoded, [job.tag], { signal })
  }
  await output.finish()
  const packages = packed.map((one) => {
    const outcome = packedOutcome(one)
    return { ...outcome, digest: kept.get(one.job) ?? outcome.digest }
  })
  return { packages, findings, output: showTarget(options.output) }
}
