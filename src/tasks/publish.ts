import { mapConcurrent } from '../core/concurrent.ts'
import { badInput, type ExitCode, onSide, refused, SlipwayError } from '../core/error.ts'
import { type GitTag, parseGitTag } from '../extension/git-tag.ts'
import { isExtensionKind, type Layouts, registryTagOf, repositoryOf } from '../extension/kinds.ts'
import { isKclPackage } from '../kcl/artifact.ts'
import { annotation } from '../oci/annotations.ts'
import type { Encoded } from '../oci/manifest.ts'
import type { Tag } from '../oci/reference.ts'
import { readKclPackage } from '../package/read-kcl.ts'
import { destinationOf, destinationsOf, finish } from '../publishing/destinations.ts'
import { type Destination, publishEverywhere } from '../publishing/everywhere.ts'
import { inWaves } from '../publishing/in-waves.ts'
import { exitOf, type TargetOutcome } from '../publishing/outcome.ts'
import { type Ordered, orderOf } from '../release/order.ts'
import { orderedArtifact } from '../release/ordered.ts'
import { type Address, type Place, showAddress } from '../store/address.ts'
import type { Registry, Store } from '../store/store.ts'
import { isVersionTag } from '../version/version-tag.ts'
import type { Context } from './context.ts'
import type { PublishingOptions } from './options.ts'

export interface PublishOptions extends PublishingOptions {
  /** Prebuilt artifacts: one (with tag or digest), one repository's versions, or everything that is there. */
  readonly from: Address
  /** Full addresses with a tag each; for a single artifact, beside or instead of targets. */
  readonly references: readonly Address[]
  /**
   * Git tags of the only packages that may be there: what made the archive ran foreign code, and must not
   * choose what else is released.
   */
  readonly only?: readonly string[]
  readonly layouts: Layouts
}

export interface PublishedOutcome {
  readonly source: string
  readonly digest: string
  readonly mediaType: string
  readonly targets: readonly TargetOutcome[]
}

export interface PublishResult {
  readonly published: readonly PublishedOutcome[]
  readonly exit: 0 | ExitCode
}

interface Prebuilt {
  readonly store: Store
  readonly repository: string
  readonly artifact: Encoded
  /** Undefined for one that was named by digest. */
  readonly tag: Tag | undefined
}

/**
 * Publishes what is built already (images, indexes, packages from `slipway package`) through the same rules
 * as a release: overwrite rule, by digest, read back, exact tag, moving tags; dependencies before what needs
 * them, as far as the artifacts tell.
 * @throws SOURCE_EMPTY, SOURCE_UNKNOWN, TARGET_MISSING, REFERENCE_NEEDS_TAG, REFERENCES_NEED_ONE_ARTIFACT,
 *   DEPENDENCY_CYCLE
 */
export async function publishPrebuilt(options: PublishOptions, context: Context): Promise<PublishResult> {
  const { clock, report, signal } = context
  if (options.targets.length + options.references.length === 0)
    throw badInput('TARGET_MISSING', 'Nothing says where to publish to', {
      hint: 'Name a target with --to oci://HOST/PREFIX, or a full address oci://HOST/REPOSITORY:TAG.',
    })
  const from = await context.open(options.from)
  const prebuilt = await find(from, options.from, signal)
  if (options.only !== undefined) refuseOthers(prebuilt, options.only, options)
  const references = options.references.map((one) => withTag(one))
  if (references.length > 0 && prebuilt.length !== 1)
    throw badInput(
      'REFERENCES_NEED_ONE_ARTIFACT',
      `${showAddress(options.from)} holds ${prebuilt.length} artifacts, but full addresses take one`,
      { hint: 'Name one with #REPOSITORY:TAG, or publish all of them with --to.' },
    )
  const jobs = prebuilt.map((one) => ({
    ...one,
    destinations: destinations(one, options, references, context),
  }))
  const order = orderOf(await mapConcurrent(prebuilt, options.concurrency, (one) => placed(one, signal)))
  const outcomes = await inWaves(order, options.concurrency, async (index, refuse) => {
    const { store, repository, artifact, tag, destinations } = jobs[index] as (typeof jobs)[number]
    const label = `${repository}${tag === undefined ? '' : `:${tag}`}`
    report.emit({ type: 'progress', id: label, label: `publishing ${label}`, state: 'running' })
    const targets = await publishEverywhere(
      store,
      artifact,
      destinations,
      { allowOverwrite: options.allowOverwrite, now: clock.now, refuse },
      { signal },
    )
    report.emit({ type: 'progress', id: label, label, state: exitOf(targets) === 0 ? 'done' : 'failed' })
    return { targets }
  })
  const places: Place[] = [...options.targets, ...references]
  const final = await finish(
    places,
    outcomes.flatMap(({ targets }, index) => targets.map((target) => ({ ...target, index }))),
    context.open,
  )
  const published = jobs.map(({ artifact, repository, tag }, index) => ({
    source: showAddress({ ...options.from, repository, ...(tag === undefined ? {} : { tag }) }),
    digest: artifact.descriptor.digest,
    mediaType: artifact.descriptor.mediaType,
    targets: final.filter((one) => one.index === index).map(({ index: _, ...target }) => target),
  }))
  return { published, exit: exitOf(final) }
}

/** Its place in the order. A KCL package tells in its archive what it needs; a broken one tells nothing. */
async function placed({ artifact, repository, tag, store }: Prebuilt, signal: AbortSignal): Promise<Ordered> {
  const label = tag ?? artifact.descriptor.digest
  if (artifact.manifest.annotations?.[annotation.kclName] === undefined)
    return orderedArtifact(artifact, repository, label)
  try {
    const { dependencies } = await readKclPackage(store, artifact, { signal })
    return orderedArtifact(artifact, repository, label, dependencies)
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.exit !== 2) throw onSide('source', error)
    return orderedArtifact(artifact, repository, label)
  }
}

/**
 * What came out of a job that ran extensions' tests holds exactly what was asked for, or nothing of it is
 * published.
 * @throws SOURCE_UNEXPECTED (exit 3), SOURCE_UNKNOWN
 */
function refuseOthers(
  found: readonly Prebuilt[],
  gitTags: readonly string[],
  { layouts, from }: PublishOptions,
): void {
  const expected = new Set(
    gitTags.map((text) => {
      const { kind, name, version } = parseGitTag(text, layouts)
      return `${repositoryOf(layouts, kind, name)}:${registryTagOf(layouts, kind, version)}`
    }),
  )
  const there = new Set(found.map((one) => `${one.repository}:${one.tag}`))
  const schemas = new Set(
    gitTags.map((text) => parseGitTag(text, layouts)).flatMap((one) => schemaRepository(one, layouts)),
  )
  const others = found
    .filter((one) => !expected.has(`${one.repository}:${one.tag}`))
    // One schema for each extension; a second one has its repository taken out of the set.
    .filter((one) => !(isKclPackage(one.artifact.manifest) && schemas.delete(one.repository)))
    .map((one) => `${one.repository}:${one.tag}`)
  if (others.length > 0)
    throw refused('SOURCE_UNEXPECTED', `${showAddress(from)} also holds ${others.slice(0, 5).join(', ')}`, {
      hint: 'Only what the git tags release may be there. Find out which step added it; nothing was published.',
    })
  const missing = [...expected].find((one) => !there.has(one))
  if (missing !== undefined)
    throw badInput('SOURCE_UNKNOWN', `${showAddress(from)} does not hold ${missing}`, {
      hint: 'Package the same git tags that are published.',
    })
}

/**
 * Where an extension publishes the schema in its `kcl/` when that has its own name: no git tag tells its
 * version. Schemas of other names have to be named.
 */
function schemaRepository({ kind, name }: GitTag, layouts: Layouts): string[] {
  return isExtensionKind(kind) ? [repositoryOf(layouts, 'kcl', name)] : []
}

/** The artifacts an address stands for; only version tags where it names no tag. */
async function find(from: Registry, address: Address, signal: AbortSignal): Promise<Prebuilt[]> {
  try {
    if (address.tag !== undefined || address.digest !== undefined) {
      const store = from.repository(address.repository)
      const artifact = await store.manifest(address.digest ?? (address.tag as Tag), { signal })
      if (artifact === undefined) throw unknownSource(address)
      if (address.tag !== undefined && address.digest !== undefined) {
        const tagged = await store.resolve(address.tag, { signal })
        if (tagged?.digest !== address.digest)
          throw badInput(
            'SOURCE_MISMATCH',
            `${showAddress({ ...address, tag: address.tag })}: the tag stands for ${tagged?.digest ?? 'nothing'}`,
            { hint: 'Name the tag or the digest that is meant.' },
          )
      }
      return [{ store, repository: address.repository, artifact, tag: address.tag }]
    }
    const found: Prebuilt[] = []
    const repositories = address.repository === '' ? from.repositories({ signal }) : [address.repository]
    for await (const repository of repositories) {
      const store = from.repository(repository)
      for await (const tag of store.tags({ signal })) {
        if (!isVersionTag(tag)) continue
        const artifact = await store.manifest(tag, { signal })
        if (artifact === undefined) throw unknownSource({ ...address, repository, tag })
        found.push({ store, repository, artifact, tag })
      }
    }
    if (found.length > 0) return found
  } catch (error) {
    throw onSide('source', error)
  }
  throw badInput('SOURCE_EMPTY', `${showAddress(address)} holds no version to publish`, {
    hint: 'A version’s tag is x.y.z or vx.y.z. Other tags can be named one by one: #REPOSITORY:TAG.',
  })
}

function destinations(
  one: Prebuilt,
  options: PublishOptions,
  references: readonly (Address & { readonly tag: Tag })[],
  context: Context,
): Destination[] {
  const full = references.map((reference) =>
    destinationOf(reference, isVersionTag(reference.tag) ? options.moving : [], context.open),
  )
  if (options.targets.length === 0) return full
  if (one.tag === undefined || one.repository === '')
    throw badInput('REFERENCE_NEEDS_TAG', `${showAddress(options.from)} does not tell repository and tag`, {
      hint: 'Give the full address it goes to: oci://HOST/REPOSITORY:TAG.',
    })
  const moving = isVersionTag(one.tag) ? options.moving : []
  return [...full, ...destinationsOf({ ...one, tag: one.tag, moving }, options.targets, context.open)]
}

function withTag(address: Address): Address & { readonly tag: Tag } {
  if (address.tag !== undefined) return { ...address, tag: address.tag }
  throw badInput('REFERENCE_NEEDS_TAG', `${showAddress(address)} has no tag to publish under`, {
    hint: 'Write oci://HOST/REPOSITORY:TAG.',
  })
}

function unknownSource(address: Address) {
  return badInput('SOURCE_UNKNOWN', `${showAddress(address)} does not exist`, {
    hint: 'List what is there with slipway list and slipway tags.',
  })
}
