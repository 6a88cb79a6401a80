import type { Candidate, PackageSource, Withheld } from '../../src/sources/source.ts'
import { extensionId, type PackageId } from '../../src/version/package-id.ts'
import { parseVersion, type Version } from '../../src/version/version.ts'

/** A source of made-up candidates that tells what it was asked. */
export interface MemorySource extends PackageSource {
  readonly asked: string[]
}

/** `add` by `name version`; what is undefined is listed, but not there. */
export function memorySource(
  add: Readonly<Record<string, Partial<Candidate> | Withheld | undefined | (() => Promise<never>)>>,
  name = 'memory',
): MemorySource {
  const asked: string[] = []
  return {
    name,
    asked,
    async versions(id: PackageId) {
      asked.push(id)
      return Object.keys(add).flatMap((key) => {
        const [of, version = ''] = key.split(' ')
        return of === id ? [parseVersion(version)] : []
      })
    },
    async candidate(id: PackageId, version: Version) {
      const key = `${id} ${version.version}`
      asked.push(key)
      const found = add[key]
      if (typeof found === 'function') return await found()
      if (found === undefined || 'unavailable' in found) return found
      return {
        id,
        version,
        kind: 'taskserv',
        source: `${name}:${id}`,
        requires: [],
        platforms: [],
        retracted: {},
        ...found,
      }
    },
    names: async () => [...new Set(Object.keys(add).map((key) => extensionId(key.split(' ')[0] ?? '')))],
  }
}
