import type { Place } from '../core/finding.ts'
import { isRepository } from '../oci/reference.ts'
import { type KclDependency, readOciSource } from './dependency.ts'

/** Why an entry cannot be read. */
interface Fault {
  readonly fault: string
  readonly hint?: string
}

const keys = ['path', 'git', 'oci', 'repo', 'reg', 'tag', 'commit', 'branch', 'version', 'package'] as const
type Entry = Partial<Record<(typeof keys)[number], string>>

/** One entry of `[dependencies]`: a version, or a table that names where the package is. */
export function readDependency(alias: string, value: unknown, place: Place): KclDependency | Fault {
  if (!/^[A-Za-z0-9_][\w.-]{0,99}$/.test(alias))
    return { fault: `dependencies.${JSON.stringify(alias.slice(0, 100))} is not a name of a package` }
  if (typeof value === 'string' && !isWord(value))
    return { fault: `${alias} has no version`, hint: `Write ${alias} = "1.0.0".` }
  if (typeof value === 'string') return readDependency(alias, { version: value }, place)
  const entry = entryOf(value)
  if (entry === undefined)
    return { fault: `${alias} must be a version or a table of texts`, hint: `Write ${alias} = "1.0.0".` }
  const { package: name = alias, version } = entry
  const more = version === undefined ? {} : { version }
  const known = { alias, name, ...more, place }
  // kpm looks in this order, too.
  if (entry.path !== undefined) return { ...known, from: 'path', source: entry.path }
  if (entry.git !== undefined) return { ...known, from: 'git', source: entry.git, ...gitRevision(entry) }
  if (entry.oci !== undefined || entry.repo !== undefined) {
    const oci = readOciSource(entry.oci ?? `oci://${entry.reg ?? ''}/${entry.repo}`)
    if (oci === undefined)
      return {
        fault: `${alias}: ${entry.oci === undefined ? 'repo' : 'oci'} is not the address of a repository`,
        hint: 'Write oci = "oci://HOST/REPOSITORY", without user or password.',
      }
    const tag = entry.tag ?? oci.tag
    const named = entry.package === undefined ? oci.name : name
    if (!isName(named)) return { fault: `${alias}: package is not a name of a package` }
    return { ...known, name: named, from: 'oci', source: oci.source, ...(tag === undefined ? {} : { tag }) }
  }
  if (!isName(name)) return { fault: `${alias} is not a name of a package` }
  if (version !== undefined) return { ...known, from: 'version' }
  return { fault: `${alias} names neither version nor oci, git or path`, hint: `Write ${alias} = "1.0.0".` }
}

function gitRevision({ tag, commit, branch }: Entry): { tag?: string; revision?: string } {
  if (tag !== undefined) return { tag }
  const revision = commit ?? branch
  return revision === undefined ? {} : { revision }
}

/** The texts that are known; undefined where one of them is no text of one line. */
function entryOf(value: unknown): Entry | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const entry: Entry = {}
  for (const key of keys) {
    if (!Object.hasOwn(value, key)) continue
    const text = (value as Record<string, unknown>)[key]
    if (typeof text !== 'string' || !isWord(text)) return undefined
    entry[key] = text
  }
  return entry
}

/** A name that can be the last part of a repository, whatever else kpm asks of its own packages. */
function isName(text: string): boolean {
  return text.length <= 100 && isRepository(text) && !text.includes('/')
}

function isWord(text: string): boolean {
  return text !== '' && text.length <= 1000 && !/[\x00-\x1f\x7f-\x9f]/.test(text)
}
