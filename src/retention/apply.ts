import { type ExitCode, hasCode, refused, SlipwayError } from '../core/error.ts'
import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'
import { copy } from '../store/copy.ts'
import type { Inventory } from '../store/inventory.ts'
import type { Call, Registry, Store } from '../store/store.ts'
import { incompleteness } from './check.ts'
import { Graph } from './closure.ts'
import { keyOfStep, type PlanDocument } from './document.ts'
import { refuseNewcomers } from './newcomers.ts'
import { exceededBy, type Kept, type Planned, type PlannedRepository, type Step } from './plan.ts'
import { PutBack } from './put-back.ts'
import type { Snapshot } from './snapshot.ts'

/** One manifest that is gone, and how to have it back. */
export interface DeletedManifest {
  readonly digest: Digest
  readonly tags: readonly Tag[]
  readonly restore?: string
}

/** Why the work stopped, as results and JSON tell it. */
export interface Stopped {
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly exit: ExitCode
}

export interface AppliedRepository {
  readonly repository: string
  readonly deleted: readonly DeletedManifest[]
  readonly untagged: readonly Tag[]
  /** What the registry would not let go. */
  readonly stays: readonly Kept[]
  /** What was kept and yet is not complete any more. */
  readonly incomplete: readonly string[]
  /** What stopped the work here; the rest of its steps was not tried. */
  readonly error?: Stopped
}

/**
 * Holds a plan against what the same rules say now. What is relevant is what would be decided differently.
 * @throws PLAN_OUT_OF_DATE naming what changed, CLEANUP_CAPPED
 */
export function refuseOutdated(
  plan: PlanDocument,
  now: Planned,
  snapshots: ReadonlyMap<string, Snapshot>,
): void {
  // What would go in addition by now does not, and so counts for nothing.
  refuseExceeded([...plan.exceeded, ...exceededBy(plan.repositories, plan.basis.caps)])
  const fresh = new Map(now.repositories.map((one) => [one.repository, one]))
  const changes: string[] = []
  for (const { repository, steps } of plan.repositories) {
    const current = fresh.get(repository)
    const snapshot = snapshots.get(repository)
    const still = new Set(current?.steps.map(keyOfStep))
    for (const step of steps) {
      if (still.has(keyOfStep(step)) || (snapshot !== undefined && isDone(step, snapshot))) continue
      const what = step.do === 'untag' ? `${repository}:${step.tag}` : `${repository}@${step.digest}`
      changes.push(`${what}: ${whyNot(step, current, snapshot)}`)
    }
  }
  if (changes.length === 0) return
  const more = changes.length > 20 ? `\n  … and ${changes.length - 20} more` : ''
  throw refused(
    'PLAN_OUT_OF_DATE',
    `The plan of ${plan.created} is not what the same rules say now; nothing was deleted:\n  ${changes.slice(0, 20).join('\n  ')}${more}`,
    { hint: 'Plan again and look at what is different.' },
  )
}

/** @throws CLEANUP_CAPPED */
export function refuseExceeded(exceeded: readonly string[]): void {
  if (exceeded.length === 0) return
  throw refused(
    'CLEANUP_CAPPED',
    `More would go than is allowed:\n  ${[...new Set(exceeded)].join('\n  ')}`,
    {
      hint: 'If that is meant, raise caps.deletions or caps.share in retention.yaml and plan again.',
    },
  )
}

/** Copies everything that a plan deletes, with its tags and what refers to it, before anything is deleted. */
export async function archiveDoomed(
  plan: PlanDocument,
  registry: Registry,
  archive: Registry,
  call: Call,
): Promise<void> {
  for (const { repository, steps } of plan.repositories)
    for (const step of steps) {
      if (step.do !== 'delete') continue
      const from = registry.repository(repository)
      const root = await from.resolve(step.digest, call)
      if (root === undefined) continue
      await copy(from, root, archive.repository(repository), { ...call, referrers: true, tags: step.tags })
    }
  await archive.finish()
}

/** Milliseconds for which it is believed that nothing came which needs what goes. */
const believed = 10_000

/** When the snapshot was taken, by which clock; milliseconds. */
export interface Watch {
  readonly now: () => number
  readonly looked: number
}

/** Executes one repository's steps in their order, then looks whether everything that stays is complete. */
export async function applySteps(
  planned: PlannedRepository,
  snapshot: Snapshot,
  store: Store,
  inventory: Inventory,
  call: Call,
  watch: Watch = { now: Date.now, looked: Date.now() },
): Promise<AppliedRepository> {
  let deleted: DeletedManifest[] = []
  const untagged: Tag[] = []
  const stays: Kept[] = []
  const graph = new Graph(snapshot)
  const spared = new Set<Digest>()
  let error: Stopped | undefined
  let canUntag = snapshot.can.untag
  const going = new Set(planned.steps.flatMap((step) => (step.do === 'delete' ? [step.digest] : [])))
  const back = new PutBack(graph, [...going], store, call)
  let { looked } = watch
  try {
    for (const step of planned.steps) {
      call.signal?.throwIfAborted()
      if (watch.now() - looked >= believed) {
        looked = watch.now()
        const gone = new Set(deleted.map(({ digest }) => digest))
        await refuseNewcomers(snapshot, { going, gone }, store, inventory, call)
      }
      if (isDone(step, snapshot) && snapshot.can.listUntagged) continue
      if (step.do === 'untag') {
        const { tag, digest } = step
        if (canUntag === false) stays.push({ tag, digest, because: noUntag })
        else {
          const done = await untag(step, snapshot, store, inventory, call)
          if (done) untagged.push(tag)
          else {
            canUntag = false
            stays.push({ tag, digest, because: noUntag })
          }
        }
        continue
      }
      if (spared.has(step.digest)) {
        for (const tag of step.tags)
          stays.push({ tag, digest: step.digest, because: 'belongs to what stays' })
        continue
      }
      try {
        // Tags of an interrupted run that are gone already are no surprise.
        const tags = step.tags.filter((tag) => snapshot.tags.has(tag))
        const copied = await back.copy(step.digest, tags)
        const done = await inventory.delete(step.digest, tags, call)
        back.deleted(step.digest, copied)
        deleted.push({ digest: step.digest, tags: step.tags, ...done })
      } catch (thrown) {
        if (!hasCode(thrown, 'UNDELETABLE')) throw thrown
        const kept = graph.kept([step.digest])
        for (const one of kept) spared.add(one)
        for (const tag of step.tags) stays.push({ tag, digest: step.digest, because: thrown.message })
        for await (const one of back.restore(kept)) deleted = deleted.filter(({ digest }) => digest !== one)
      }
    }
  } catch (thrown) {
    call.signal?.throwIfAborted()
    error = stopped(thrown)
  }
  const gone = new Set(deleted.map(({ digest }) => digest))
  const incomplete = await incompleteness(snapshot, { gone, untagged: new Set(untagged) }, store, call)
  const base = { repository: planned.repository, deleted, untagged, stays, incomplete }
  return error === undefined ? base : { ...base, error }
}

const noUntag = 'its content is kept, and tags cannot go alone there'

/**
 * @returns false where the registry cannot do it
 * @throws UNTAG_DELETED where it took the content too, which is then put back
 */
async function untag(
  { tag, digest }: Extract<Step, { do: 'untag' }>,
  snapshot: Snapshot,
  store: Store,
  inventory: Inventory,
  call: Call,
): Promise<boolean> {
  const manifest = await store.manifest(digest, call)
  try {
    await inventory.untag(tag, digest, call)
  } catch (error) {
    if (hasCode(error, 'UNTAG_UNSUPPORTED')) return false
    throw error
  }
  if (manifest === undefined || (await store.resolve(digest, call)) !== undefined) return true
  const others = [...snapshot.tags].flatMap(([other, to]) => (to === digest && other !== tag ? [other] : []))
  if (others.length > 0) await store.tag(manifest, others, call)
  else await store.put(manifest, call)
  throw new SlipwayError(
    'UNTAG_DELETED',
    `${store.name}:${tag}: the registry deleted the tag’s content with it; it was put back with its other tags`,
    { hint: 'This registry cannot take tags away alone: report it, and keep such tags in retention.yaml.' },
  )
}

/** Whether nothing is left to do: an earlier run did it, or somebody else. */
function isDone(step: Step, { tags, manifests }: Snapshot): boolean {
  if (step.do === 'untag') return !tags.has(step.tag)
  return !manifests.has(step.digest) && step.tags.every((tag) => !tags.has(tag))
}

function whyNot(step: Step, current: PlannedRepository | undefined, snapshot: Snapshot | undefined): string {
  if (current?.protected !== undefined) return current.protected
  if (snapshot === undefined) return 'the repository is not there any more'
  const named = step.do === 'untag' ? [step.tag] : step.tags
  const moved = named.filter((tag) => snapshot.tags.has(tag) && snapshot.tags.get(tag) !== step.digest)
  if (moved.length > 0) return `${moved.join(', ')} has moved`
  const added = [...snapshot.tags].flatMap(([tag, to]) =>
    step.do === 'delete' && to === step.digest && !step.tags.includes(tag) ? [tag] : [],
  )
  if (added.length > 0) return `has the new tag ${added.join(', ')}`
  return 'is kept now'
}

function stopped(thrown: unknown): Stopped {
  if (!(thrown instanceof SlipwayError)) throw thrown
  const { code, message, hint, exit } = thrown
  return { code, message, exit, ...(hint === undefined ? {} : { hint }) }
}
