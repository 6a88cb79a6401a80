import { badInput, type ExitCode, refused } from '../core/error.ts'
import type { Digest } from '../oci/digest.ts'
import { type Encoded, encode, isIndex } from '../oci/manifest.ts'
import type { Tag } from '../oci/reference.ts'
import { type AppliedRepository, applySteps } from '../retention/apply.ts'
import type { Step } from '../retention/plan.ts'
import { planRemoval, type Removal, type Wanted } from '../retention/removal.ts'
import { takeSnapshot } from '../retention/scan.ts'
import type { Snapshot } from '../retention/snapshot.ts'
import { type Address, showAddress, showPlace } from '../store/address.ts'
import type { Inventory } from '../store/inventory.ts'
import type { Call, Registry, Store } from '../store/store.ts'
import type { Context } from './context.ts'

export interface DeleteOptions extends Pick<Wanted, 'withTags' | 'referrers' | 'force'> {
  /** Each with a tag or a digest; with both, the tag must stand for that digest. */
  readonly references: readonly Address[]
  /** Delete; otherwise only tell what would go. */
  readonly yes: boolean
  /** Requests at once. */
  readonly concurrency: number
}

export interface DeletedRepository {
  /** `oci://HOST/REPOSITORY`. */
  readonly repository: string
  readonly steps: readonly Step[]
  /** Manifests that nothing names any more, and that stay until the registry collects them. */
  readonly left: readonly Digest[]
  /** Undefined where nothing was to be deleted yet. */
  readonly applied?: Omit<AppliedRepository, 'repository'>
}

export interface DeleteResult {
  readonly repositories: readonly DeletedRepository[]
  readonly exit: 0 | ExitCode
}

/**
 * Deletes tags and manifests. Everything of the repositories is read first, and nothing is deleted while one reason
 * speaks against it; right before each deletion the registry is asked again whether it is still the same.
 * @throws REFERENCE_INCOMPLETE, REFERENCE_UNKNOWN, REFERENCE_MOVED, SOURCE_UNSUPPORTED, DELETE_REFUSED
 */
export async function deleteReferences(options: DeleteOptions, context: Context): Promise<DeleteResult> {
  for (const one of options.references)
    if (one.tag === undefined && one.digest === undefined)
      throw badInput('REFERENCE_INCOMPLETE', `${showAddress(one)} names neither a tag nor a digest`, {
        hint: 'Write :TAG or @sha256:… behind it; slipway tags lists the tags.',
      })
  const work: Work[] = []
  for (const references of groups(options.references)) work.push(await look(references, options, context))
  const reasons = work.flatMap(({ name, removal }) => removal.reasons.map((one) => `${name}: ${one}`))
  if (reasons.length > 0) throw needed(reasons)
  const repositories: DeletedRepository[] = []
  for (const one of work) {
    const { steps, left } = one.removal
    const base = { repository: one.name, steps, left }
    repositories.push(options.yes ? { ...base, applied: await carryOut(one, context) } : base)
  }
  return { repositories, exit: exitOf(repositories) }
}

interface Work {
  readonly name: string
  readonly store: Store
  readonly inventory: Inventory
  readonly snapshot: Snapshot
  readonly removal: Removal
}

/** References by repository, so that each is read once and decided upon as a whole. */
function groups(references: readonly Address[]): Address[][] {
  const byRepository = new Map<string, Address[]>()
  for (const one of references) {
    const key = `${showPlace(one)} ${one.repository}`
    byRepository.set(key, [...(byRepository.get(key) ?? []), one])
  }
  return [...byRepository.values()]
}

async function look(
  references: readonly Address[],
  { withTags, referrers, force, concurrency }: DeleteOptions,
  context: Context,
): Promise<Work> {
  const [first] = references
  if (first === undefined) throw new TypeError('no reference')
  const call = { signal: context.signal }
  const registry: Registry = await context.open(first)
  if (registry.inventory === undefined)
    throw badInput('SOURCE_UNSUPPORTED', `Nothing can be deleted from ${showPlace(first)}`, {
      hint: 'Name a registry: oci://HOST/REPOSITORY:TAG.',
    })
  const store = registry.repository(first.repository)
  const inventory = registry.inventory(first.repository)
  const tags = new Set<Tag>()
  const digests = new Set<Digest>()
  for (const reference of references) {
    const found = await resolved(reference, store, call)
    if (reference.tag !== undefined) tags.add(reference.tag)
    else digests.add(found)
  }
  const snapshot = await takeSnapshot(first.repository, store, withRoots(inventory, digests), {
    ...call,
    concurrency,
  })
  for (const tag of tags) if (!snapshot.tags.has(tag)) throw unknown({ ...first, tag })
  const removal = planRemoval(snapshot, { tags, digests, withTags, referrers, force })
  const { tag: _tag, digest: _digest, ...repository } = first
  return { name: showAddress(repository), store, inventory, snapshot, removal }
}

/** @throws REFERENCE_UNKNOWN, REFERENCE_MOVED */
async function resolved(reference: Address, store: Store, call: Call): Promise<Digest> {
  const { tag, digest } = reference
  const found = await store.resolve((tag ?? digest) as Tag | Digest, call)
  if (found === undefined) throw unknown(reference)
  if (digest !== undefined && found.digest !== digest)
    throw refused('REFERENCE_MOVED', `${showAddress(reference)}: the tag stands for ${found.digest}`, {
      hint: 'Look again at what it is, or name the tag or the digest alone.',
    })
  return found.digest
}

/** Registries that list only tags do not tell of a manifest without one: it was named, so it is there. */
function withRoots(inventory: Inventory, digests: ReadonlySet<Digest>): Inventory {
  if (inventory.can.listUntagged) return inventory
  return {
    can: inventory.can,
    untag: (...given) => inventory.untag(...given),
    delete: (...given) => inventory.delete(...given),
    async *entries(call) {
      const missing = new Set(digests)
      for await (const entry of inventory.entries(call)) {
        missing.delete(entry.digest)
        yield entry
      }
      for (const digest of missing) yield { digest, tags: [] }
    },
  }
}

async function carryOut(
  { name, store, inventory, snapshot, removal }: Work,
  context: Context,
): Promise<Omit<AppliedRepository, 'repository'>> {
  const call = { signal: context.signal }
  const planned = {
    repository: name,
    keep: [],
    steps: removal.steps,
    stays: [],
    notes: [],
    going: removal.steps.length,
    tags: snapshot.tags.size,
  }
  const { repository: _, ...applied } = await applySteps(planned, snapshot, store, inventory, call)
  const gone = new Set(applied.deleted.map(({ digest }) => digest))
  for (const [tag, entries] of removal.lists) await shorten(store, tag, entries, gone, call)
  for (const { tag, because } of applied.stays)
    context.report.emit({
      type: 'warning',
      code: 'TAG_STAYS',
      message: `${name}:${tag} stays: ${because}`,
      hint: 'Where nothing else needs its content, --with-tags deletes that with all its tags.',
    })
  if (gone.size > 0 && !inventory.can.listUntagged)
    context.report.emit({
      type: 'info',
      message: `${name}: the registry frees the space when it collects garbage; with distribution: registry garbage-collect CONFIG, while nothing is pushed`,
    })
  return applied
}

/** Takes what is gone from a list of referrers, as who deletes has to where the registry has no API for them. */
async function shorten(
  store: Store,
  tag: Tag,
  entries: ReadonlySet<Digest>,
  gone: ReadonlySet<Digest>,
  call: Call,
): Promise<void> {
  const list: Encoded | undefined = await store.manifest(tag, call)
  if (list === undefined || !isIndex(list.manifest)) return
  const manifests = list.manifest.manifests.filter(({ digest }) => !(entries.has(digest) && gone.has(digest)))
  if (manifests.length === list.manifest.manifests.length) return
  await store.tag(encode({ ...list.manifest, manifests }), [tag], call)
}

function exitOf(repositories: readonly DeletedRepository[]): 0 | ExitCode {
  const applied = repositories.flatMap((one) => one.applied ?? [])
  const errors = applied.flatMap(({ error }) => error?.exit ?? [])
  if (errors.some((exit) => exit !== 3) || applied.some(({ incomplete }) => incomplete.length > 0)) return 1
  return errors.length > 0 || applied.some(({ stays }) => stays.length > 0) ? 3 : 0
}

function needed(reasons: readonly string[]) {
  const more = reasons.length > 20 ? `\n  … and ${reasons.length - 20} more` : ''
  return refused('DELETE_REFUSED', `Nothing was deleted:\n  ${reasons.slice(0, 20).join('\n  ')}${more}`, {
    hint: 'What is named above goes with --with-tags or --referrers; --force deletes although something that stays needs it.',
  })
}

function unknown(address: Address) {
  return badInput('REFERENCE_UNKNOWN', `${showAddress(address)} does not exist`, {
    hint: 'slipway tags shows what is there.',
  })
}
