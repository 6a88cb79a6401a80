import type { PackagePlace } from '../extension/place.ts'
import type { Lock } from '../lockfile/lock.ts'
import { relativeSource } from '../lockfile/source.ts'
import { showAddress, showPlace } from '../store/address.ts'
import type { FolderPackage } from './folder-source.ts'
import type { Module } from './package-sources.ts'

/**
 * What a workspace says of its modules that the lock does not: another place, an archive with another digest,
 * or a folder that has another version now. Neither is a requirement, so the lock's digest does not tell. One sentence each.
 * @param directory absolute path of the folder the lock lies in
 */
export function moduleDrift(
  lock: Lock,
  modules: readonly (Module & { readonly origin: string })[],
  folders: readonly FolderPackage[],
  directory: string,
): string[] {
  const packages = new Map(lock.packages.map((one) => [one.id, one]))
  const moved = modules.flatMap(({ id, source, origin }) => {
    const locked = packages.get(id)
    if (locked?.source === undefined) return []
    const text = placeText(source, directory)
    // The tag of a version follows what names the repository.
    const same = source.type === 'git' ? locked.source.startsWith(text) : locked.source === text
    if (!same)
      return [`${id} is at ${text.replace(/#$/, '')} now, and at ${locked.source} in the lock (${origin})`]
    return source.type !== 'tarball' || locked.layer === source.digest
      ? []
      : [`${id} is ${source.digest} now, and ${locked.layer} in the lock (${origin})`]
  })
  const changed = folders.flatMap(({ candidate: { id, version }, file }) => {
    const locked = packages.get(id)?.version
    return locked === undefined || locked === version.version
      ? []
      : [`${id} is ${version.version} in its folder now, and ${locked} in the lock (${file})`]
  })
  return [...moved, ...changed]
}

/** The place as the lock writes it; of git with the `#` before its tag. */
function placeText(source: PackagePlace, directory: string): string {
  switch (source.type) {
    case 'oci':
      return showAddress({ scheme: 'oci', host: source.host, repository: source.repository })
    case 'folder':
      return relativeSource(`path:${source.path}`, directory)
    case 'tarball':
      return source.url
    case 'git':
      return `git+${new URL(source.url).href}#`
    default: {
      const place = showPlace({ scheme: source.type, path: source.path })
      return relativeSource(`${place}#${source.repository}`, directory)
    }
  }
}
