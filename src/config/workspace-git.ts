import { SlipwayError } from '../core/error.ts'
import { type GitTag, parseGitTag } from '../extension/git-tag.ts'
import { isLoopback } from '../http/address.ts'
import {
  checkName,
  lastOf,
  SourceFault,
  type SourceOptions,
  splitFragment,
  splitRange,
  versionsOf,
  type Wanted,
} from './workspace-entry.ts'

/**
 * Reads what follows `gitea://` or `git+https://`: a repository, and after `#` a git tag
 * (`taskservs/kubernetes/v1.28.0`) or the tags' folder with a range (`taskservs/kubernetes:^1.28`). Without
 * one the repository's own name is the package's.
 */
export function gitSource(scheme: string, after: string, options: SourceOptions): Wanted {
  const { base, fragment } = splitFragment(after)
  const { named, range } = fragment === undefined ? splitRange(base) : { named: base, range: undefined }
  const url = scheme === 'gitea' ? giteaUrl(named, options) : gitUrl(scheme.slice('git+'.length), named)
  if (fragment === undefined) {
    const name = checkName(lastOf(named.replace(/\/$/, '')).replace(/\.git$/, ''), options)
    return { name, ...versionsOf(range), source: { type: 'git', url, tag: formOf(name, options) } }
  }
  const { name, tag, text } = tagged(fragment, options)
  return { name, ...versionsOf(text), source: { type: 'git', url, tag } }
}

interface Tagged {
  readonly name: string
  /** With `{version}`. */
  readonly tag: string
  /** Undefined: any version. */
  readonly text: string | undefined
}

function tagged(fragment: string, options: SourceOptions): Tagged {
  const colon = fragment.indexOf(':')
  if (colon >= 0) {
    const form = tagsBelow(fragment.slice(0, colon), options)
    if (form === undefined)
      throw new SourceFault(`has ${JSON.stringify(fragment.slice(0, 200))}, which names no git tags`, tagHint)
    return { ...form, text: fragment.slice(colon + 1) }
  }
  try {
    const parsed = ofKind(parseGitTag(fragment, options.layouts), options)
    const version = parsed.version.version
    const at = parsed.tag.lastIndexOf(version)
    const tag = `${parsed.tag.slice(0, at)}{version}${parsed.tag.slice(at + version.length)}`
    return { name: checkName(parsed.name, options), tag, text: version }
  } catch (error) {
    const misspelt = /^v?\d+\.\d/.test(lastOf(fragment))
    const form = error instanceof SlipwayError && !misspelt ? tagsBelow(fragment, options) : undefined
    if (form === undefined) throw error
    return { ...form, text: undefined }
  }
}

const tagHint = 'Write the tag, such as #taskservs/kubernetes/v1.28.0, or #taskservs/kubernetes:^1.28.'

/** The tags of a folder such as `taskservs/networking/cilium`; undefined where it cannot have any. */
function tagsBelow(folder: string, options: SourceOptions): Omit<Tagged, 'text'> | undefined {
  const { gitTag } = options.layouts[options.kind]
  const end = gitTag.indexOf('{name}')
  if (end < 0 || folder.includes('{')) return undefined
  const tag = `${folder}${gitTag.slice(end + '{name}'.length)}`
  if (!tag.includes('{version}')) return undefined
  try {
    const parsed = ofKind(parseGitTag(tag.replace('{version}', '0.0.0'), options.layouts), options)
    return { name: checkName(parsed.name, options), tag }
  } catch (error) {
    if (error instanceof SlipwayError) return undefined
    throw error
  }
}

function ofKind(tag: GitTag, options: SourceOptions): GitTag {
  const { kind } = options
  if (tag.kind === kind) return tag
  const hint = `Those of a ${kind} look like ${formOf('NAME', options)}.`
  throw new SourceFault(`names the git tags of a ${tag.kind} where a ${kind} stands`, hint)
}

/** How the tags of a package look that has a repository of its own. */
function formOf(name: string, { kind, layouts }: SourceOptions): string {
  const { gitTag, folder } = layouts[kind]
  return gitTag.replaceAll('{folder}', folder).replaceAll('{name}', name)
}

function giteaUrl(path: string, options: SourceOptions): string {
  const parts = path.replace(/\/$/, '').split('/')
  const [first = ''] = parts
  if (parts.length > 1 && /[.:]|^localhost$/.test(first)) {
    const known = URL.parse(options.giteaUrl ?? '')
    const host = URL.parse(`http://${first}`)
    const plain =
      known?.host === first ? known.protocol === 'http:' : host !== null && isLoopback(host.hostname)
    return gitUrl(plain ? 'http' : 'https', parts.join('/'))
  }
  if (options.giteaUrl === undefined)
    throw new SourceFault(
      'names no host',
      'Set gitea.url in slipway.yaml, or write gitea://HOST/OWNER/REPOSITORY.',
      'WORKSPACE_GITEA_URL_MISSING',
    )
  const [scheme = '', base = ''] = options.giteaUrl.replace(/\/+$/, '').split('://')
  return gitUrl(scheme, `${base}/${parts.join('/')}`)
}

/** A URL that git can fetch and everybody may read. */
function gitUrl(scheme: string, rest: string): string {
  const url = URL.parse(`${scheme}://${rest}`)
  if (!['https', 'http', 'ssh'].includes(scheme))
    throw new SourceFault(`knows no scheme git+${scheme}`, 'Write git+https, git+http or git+ssh.')
  // Programs that git starts could take a host with a dash for an option.
  if (url === null || !/^[\w[]/.test(url.hostname)) throw new SourceFault('is not a URL with a host')
  if (url.password !== '' || url.search !== '' || (url.username !== '' && scheme !== 'ssh'))
    throw new SourceFault(
      'holds a user, a password or a query',
      'Everybody reads the lock: keep secrets out.',
    )
  const parts = url.pathname.split('/').slice(1)
  if (parts.some((part) => !/^~?[\w.-]+$/.test(part)))
    throw new SourceFault('names no repository', 'Write HOST/OWNER/REPOSITORY.')
  return url.href
}
