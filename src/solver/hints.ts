import { core, type PackageId } from '../version/package-id.ts'
import { showSet } from '../version/show-set.ts'
import { isPrerelease, type Version } from '../version/version.ts'
import { includes, intersect, isEmpty, withPrereleases } from '../version/version-set.ts'
import { type Fact, requirementOf } from './facts.ts'
import { displayName } from './known-versions.ts'
import type { About } from './words.ts'

/** Where the roots of a lock say that they are from. */
const lock = /(^|[\\/])slipway\.lock(:|$)/

/** What could be done about a failure, the likeliest to help first; each a sentence. */
export function hintsFor(facts: readonly Fact[], about: About): readonly string[] {
  const hints = new Set<string>()
  for (const fact of facts)
    for (const hint of [...hintsForOne(fact, facts, about), ...overridden(fact, about)]) hints.add(hint)
  for (const hint of [...prereleaseRoots(facts, about), ...coreHints(facts, about)]) hints.add(hint)
  return [...hints]
}

function hintsForOne(fact: Fact, facts: readonly Fact[], about: About): readonly string[] {
  if (fact.kind === 'root') return locked(fact)
  if (fact.kind === 'no-versions' && fact.id !== core) {
    return about.versions(fact.id).length === 0 ? misspelt(fact.id, about) : prerelease(fact.id, facts, about)
  }
  if (fact.kind !== 'unavailable') return []
  const name = displayName(fact.id)
  switch (fact.because.cause) {
    case 'platform':
      return [`Ask for another platform with --platform, or use other versions of ${name}.`]
    case 'retracted':
      return [
        `Allow other versions of ${name}: a retracted one is used only where slipway.lock already has it.`,
      ]
    case 'offline':
      return ['Run again without --offline.']
    case 'unreadable':
      return [`Publish ${name} again with a readable manifest, or allow other versions of it.`]
  }
}

function locked({ requirement }: Extract<Fact, { kind: 'root' }>): readonly string[] {
  if (requirement.origin === undefined || !lock.test(requirement.origin)) return []
  return [`Let go of the locked version: slipway deps update ${requirement.id}`]
}

function misspelt(id: PackageId, about: About): readonly string[] {
  const names = about.nearest?.(id) ?? []
  if (names.length === 0) return [`Check the name of ${displayName(id)}, or add the source that has it.`]
  return [`Did you mean ${names.join(' or ')}?`]
}

/** The highest prerelease that a requirement without versions would have taken. */
function prerelease(id: PackageId, facts: readonly Fact[], about: About): readonly string[] {
  const versions = about.versions(id)
  const unmet = facts
    .flatMap((fact) => requirementOf(fact) ?? [])
    .filter((one) => one.id === id && !versions.some((version) => includes(one.set, version)))
  const found = versions.findLast(
    (version) => isPrerelease(version) && unmet.some(({ set }) => includes(withPrereleases(set), version)),
  )
  return found === undefined ? [] : [allowing(id, found)]
}

/** What is asked for at a prerelease that a dependency's range would take, were prereleases allowed. */
function prereleaseRoots(facts: readonly Fact[], about: About): readonly string[] {
  const roots = facts.flatMap((fact) => (fact.kind === 'root' ? [fact.requirement] : []))
  return facts.flatMap((fact) => {
    if (fact.kind !== 'dependency') return []
    const { id, set } = fact.requires
    const missed = about.versions(id).filter((one) => isPrerelease(one) && !includes(set, one))
    const found = missed.findLast(
      (one) =>
        includes(withPrereleases(set), one) &&
        roots.some((root) => root.id === id && includes(root.set, one)),
    )
    return found === undefined ? [] : [allowing(id, found)]
  })
}

function allowing(id: PackageId, { version }: Version): string {
  return `${displayName(id)} ${version} is a prerelease that would match: allow it with --prerelease ${id}.`
}

function overridden(fact: Fact, about: About): readonly string[] {
  const id = requirementOf(fact)?.id
  const set = id === undefined ? undefined : about.overrides?.get(id)
  if (id === undefined || set === undefined) return []
  return [
    `Your override replaces every requirement on ${displayName(id)} with ${showSet(set)}: leave it out or change it.`,
  ]
}

/** Which provisioning would do for all that need another one. */
function coreHints(facts: readonly Fact[], about: About): readonly string[] {
  const decides = (fact: Fact) =>
    fact.kind === 'no-versions' ? fact.id === core : fact.kind === 'root' && fact.requirement.id === core
  if (!facts.some(decides)) return []
  const asked = facts.flatMap((fact) =>
    fact.kind === 'dependency' && fact.requires.id === core ? [fact] : [],
  )
  const have = about.versions(core)
  const unmet = asked.filter(({ requires }) => !have.some((version) => includes(requires.set, version)))
  const [first] = unmet
  if (first === undefined) return []
  const set = unmet.map(({ requires }) => requires.set).reduce(intersect)
  if (isEmpty(set)) return []
  const whose = [...new Set(unmet.map(({ id }) => displayName(id)))].join(' and ')
  return [`Use provisioning ${showSet(set)}, or versions of ${whose} that accept ${have.at(-1)?.version}.`]
}
