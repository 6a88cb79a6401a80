import { badInput, SlipwayError } from '../core/error.ts'
import { parseVersion, type Version } from '../version/version.ts'
import { type Kind, kinds, type Layouts } from './kinds.ts'
import { isCategory, isName, nameHint } from './name.ts'
import { nearest } from './nearest.ts'

/** What a git tag releases. */
export interface GitTag {
  /** Without `refs/tags/`. */
  readonly tag: string
  readonly kind: Kind
  readonly name: string
  readonly version: Version
  /** Where the tag names the category folder: `networking` in `taskservs/networking/cilium/v1.15.0`. */
  readonly category?: string
}

/** Characters; git itself stops at the length of a file name. */
const longest = 250

/**
 * Reads a git tag by the kinds' patterns, strictly; `refs/tags/` may stand before it.
 * @throws GIT_TAG_INVALID, VERSION_INVALID, VERSION_BUILD_METADATA
 */
export function parseGitTag(text: string, layouts: Layouts): GitTag {
  const tag = text.startsWith('refs/tags/') ? text.slice('refs/tags/'.length) : text
  // What git-check-ref-format forbids is never a tag, whatever a pattern says.
  if (
    tag.length > longest ||
    !/^[A-Za-z0-9][^\s~^:?*[\\\x00-\x1f\x7f]*$/.test(tag) ||
    /\.\.|\/\/|@\{|\/$|\.lock$/.test(tag)
  )
    throw invalid(tag, 'is not a git tag that can be released', layouts)
  let failure: SlipwayError | undefined
  for (const kind of kinds) {
    const match = patternOf(layouts, kind).exec(tag)
    if (match === null) continue
    const { category, version = '', name = layouts[kind].name ?? '' } = match.groups ?? {}
    if (!isName(name) || (layouts[kind].folder === '' && isFolder(name, layouts))) {
      failure ??= invalid(
        tag,
        `has ${JSON.stringify(name)} where the package's name stands`,
        layouts,
        nameHint,
      )
      continue
    }
    if (category !== undefined && !isCategory(category)) continue
    return {
      tag,
      kind,
      name,
      version: versionIn(tag, version),
      ...(category === undefined ? {} : { category }),
    }
  }
  throw failure ?? invalid(tag, 'has no form of a release', layouts)
}

/** The git tag that releases a version; with a category the longer one that names its folder too. */
export function formatGitTag(
  release: {
    readonly kind: Kind
    readonly name: string
    readonly version: Version
    readonly category?: string | undefined
  },
  layouts: Layouts,
): string {
  const { gitTag, folder } = layouts[release.kind]
  return gitTag
    .replaceAll('{folder}', release.category === undefined ? folder : `${folder}/${release.category}`)
    .replaceAll('{name}', release.name)
    .replaceAll('{version}', release.version.version)
}

const slots: Readonly<Record<string, string>> = { name: '(?<name>[^/]+)', version: '(?<version>[^/]*)' }

function patternOf(layouts: Layouts, kind: Kind): RegExp {
  const { gitTag, folder } = layouts[kind]
  const source = gitTag.split(/\{(folder|name|version)\}/).map((part, index) => {
    if (index % 2 === 0) return escaped(part)
    return part === 'folder' ? `${escaped(folder)}(?:/(?<category>[^/]+))?` : slots[part]
  })
  return new RegExp(`^${source.join('')}$`)
}

/** RegExp.escape, which Node 22 does not have. */
function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

function versionIn(tag: string, version: string): Version {
  try {
    return parseVersion(version)
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error
    throw badInput(error.code, `Git tag ${JSON.stringify(tag)}: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    })
  }
}

/** `taskservs/v1.0.0` is a forgotten name, not a platform service called `taskservs`. */
function isFolder(name: string, layouts: Layouts): boolean {
  return kinds.some((kind) => layouts[kind].folder === name)
}

function invalid(tag: string, what: string, layouts: Layouts, hint?: string): SlipwayError {
  const shown = JSON.stringify(tag.slice(0, 200))
  return badInput('GIT_TAG_INVALID', `Git tag ${shown} ${what}`, { hint: hint ?? remedy(tag, layouts) })
}

function remedy(tag: string, layouts: Layouts): string {
  const [first = '', ...rest] = tag.slice(0, longest).split('/')
  const folders = kinds.map((kind) => layouts[kind].folder).filter((folder) => folder !== '')
  const last = rest.at(-1)
  if (last !== undefined && /^[\w./-]+$/.test(tag)) {
    if (folders.includes(first)) {
      const bare = /^\d+\.\d+\.\d+/.test(last)
      if (bare) return `Did you mean ${[first, ...rest.slice(0, -1), `v${last}`].join('/')}?`
    } else {
      const folder = kinds.includes(first as Kind) ? layouts[first as Kind].folder : nearest(first, folders)
      if (folder) return `Did you mean ${[folder, ...rest].join('/')}?`
    }
  }
  const forms = kinds.map((kind) => layouts[kind].gitTag.replaceAll('{folder}', layouts[kind].folder))
  return `A release's tag looks like ${[...new Set(forms)].join(', ')}; for example taskservs/kubernetes/v1.28.0.`
}
