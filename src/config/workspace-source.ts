import { resolve } from 'node:path'
import { repositoryOf } from '../extension/kinds.ts'
import { isName } from '../extension/name.ts'
import { parseDigest } from '../oci/digest.ts'
import { isRepository } from '../oci/reference.ts'
import { parseTarget, under, withoutUser } from '../store/address.ts'
import { versionOf } from '../version/version.ts'
import { everything } from '../version/version-set.ts'
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
import { gitSource } from './workspace-git.ts'

const forms = 'Write oci://HOST/NAMESPACE/NAME:VERSION.'
const coreForm = 'Write oci://HOST/NAMESPACE/provisioning-core:vVERSION.'

/** Reads one entry. @throws SourceFault, and what the readers of ranges, digests and git tags throw */
export function parseSource(text: string, options: SourceOptions): Wanted {
  const [, scheme = '', after = ''] = /^([a-z][a-z0-9+.-]*):(.*)$/s.exec(text) ?? []
  if (scheme === 'oci' && after.startsWith('//')) return ociSource(after.slice(2), options)
  if (scheme === 'layout' || scheme === 'archive') return storedSource(scheme, after, options)
  if (scheme === 'path') return folderSource(after, options)
  if ((scheme === 'https' || scheme === 'http') && after.startsWith('//')) return tarballSource(text)
  if ((scheme === 'gitea' || scheme.startsWith('git+')) && after.startsWith('//'))
    return gitSource(scheme, after.slice(2), options)
  if (after.startsWith('//')) throw new SourceFault(`knows no scheme ${scheme}`, forms)
  if (/^(~|\.{1,2})?\//.test(text)) return folderSource(text, options)
  if (options.kind === 'core') throw new SourceFault('has no scheme', coreForm)
  if (options.sourceType === 'local') return folderSource(text, options)
  if (options.sourceType === 'gitea')
    throw new SourceFault(
      'has no scheme',
      'With source_type gitea, write gitea://[HOST/]OWNER/REPOSITORY#TAG.',
    )
  return namedSource(text, options)
}

/** What `~` and relative paths of a workspace stand for. */
export function pathIn(
  text: string,
  { root, home }: { readonly root: string; readonly home: string },
): string {
  if (text === '~' || text.startsWith('~/')) return resolve(home, text.slice(2))
  return resolve(root, text)
}

function ociSource(after: string, options: SourceOptions): Wanted {
  const slash = after.indexOf('/')
  if (slash < 0) throw new SourceFault('names no repository', forms)
  const target = parseTarget(`oci://${after.slice(0, slash)}`)
  if (target.scheme !== 'oci') throw new SourceFault('names no host', forms)
  const { named, range } = splitRange(after.slice(slash + 1))
  if (named.includes('@') || range?.includes('@'))
    throw new SourceFault('names a digest', 'Write the version; slipway.lock keeps its digest.')
  if (!isRepository(named))
    throw new SourceFault(`has ${JSON.stringify(named.slice(0, 200))} for a repository`, forms)
  const source = { type: 'oci', host: target.host, repository: named } as const
  return { name: nameIn(named, options), ...versionsOf(range), source }
}

function storedSource(type: 'layout' | 'archive', after: string, options: SourceOptions): Wanted {
  const sharp = after.lastIndexOf('#')
  if (sharp < 0 && type === 'archive')
    throw new SourceFault('does not say which repository', 'Write archive:FILE#REPOSITORY:VERSION.')
  // Without a repository the folder itself is one; its range follows the path.
  const path = sharp < 0 ? splitRange(after).named : after.slice(0, sharp)
  const { named, range } = splitRange(after.slice(sharp + 1))
  const repository = sharp < 0 ? '' : named
  if (path === '') throw new SourceFault('names no path', `Write ${type}:PATH#REPOSITORY:VERSION.`)
  if (repository !== '' && !isRepository(repository))
    throw new SourceFault(`has ${JSON.stringify(repository.slice(0, 200))} for a repository`, forms)
  const absolute = pathIn(path, options)
  const name = repository === '' ? checkName(lastOf(absolute), options) : nameIn(repository, options)
  return { name, ...versionsOf(range), source: { type, path: absolute, repository } }
}

function folderSource(text: string, options: SourceOptions): Wanted {
  if (text === '') throw new SourceFault('names no path', 'Write path:FOLDER.')
  const path = pathIn(text, options)
  // Whatever version its manifest has, a prerelease too.
  return {
    name: checkName(lastOf(path), options),
    set: everything,
    text: '*',
    source: { type: 'folder', path },
  }
}

function tarballSource(text: string): Wanted {
  const { base, fragment } = splitFragment(text)
  const url = URL.parse(base)
  if (url === null) throw new SourceFault('is not a URL')
  if (url.username !== '' || url.password !== '' || url.search !== '')
    throw new SourceFault(
      'holds a user, a password or a query',
      'Everybody reads the lock: keep secrets out.',
    )
  if (fragment === undefined)
    throw new SourceFault('has no digest', 'Write #sha256: and 64 hexadecimal digits after the URL.')
  const file = /^(.*)\.(?:tar\.gz|tgz|tar)$/.exec(lastOf(url.pathname))?.[1] ?? ''
  for (let dash = file.indexOf('-'); dash > 0; dash = file.indexOf('-', dash + 1)) {
    const [name, version] = [file.slice(0, dash), file.slice(dash + 1)]
    if (versionOf(version) !== undefined && isName(name))
      return {
        name,
        ...versionsOf(version),
        source: { type: 'tarball', url: url.href, digest: parseDigest(fragment) },
      }
  }
  throw new SourceFault('does not tell name and version', 'The file is named NAME-VERSION.tar.gz.')
}

function namedSource(text: string, options: SourceOptions): Wanted {
  const { named, range } = splitRange(text)
  if (named.includes('/'))
    throw new SourceFault('has no scheme', `Did you mean oci://${withoutUser(text).slice(0, 200)}?`)
  const name = checkName(named, options)
  const { registry, layouts, kind } = options
  if (registry === undefined)
    throw new SourceFault(
      'does not say in which registry',
      'Set dependencies.extensions.oci.registry and namespace, or write oci://HOST/NAMESPACE/NAME:VERSION.',
      'WORKSPACE_REGISTRY_MISSING',
    )
  const { host, namespace } = registry
  const repository = under({ scheme: 'oci', host, prefix: namespace }, repositoryOf(layouts, kind, name))
  return { name, ...versionsOf(range), source: { type: 'oci', host, repository } }
}

/** The package that a repository holds, by the kind's template. */
function nameIn(repository: string, options: SourceOptions): string {
  const [before = '', after = ''] = options.layouts[options.kind].repository.split('{name}')
  const path = repository.endsWith(after) ? repository.slice(0, repository.length - after.length) : repository
  const head = lastOf(before)
  const last = lastOf(path)
  return checkName(last.startsWith(head) ? last.slice(head.length) : last, options)
}
