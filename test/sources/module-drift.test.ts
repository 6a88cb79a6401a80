import { describe, expect, it } from 'vitest'
import type { PackagePlace } from '../../src/extension/place.ts'
import { parseDigest } from '../../src/oci/digest.ts'
import { moduleDrift } from '../../src/sources/module-drift.ts'
import { extensionId } from '../../src/version/package-id.ts'
import { lockOf } from '../lockfile/locks.ts'

const id = extensionId('etcd')
const [a, b] = ['a', 'b'].map((hex) => parseDigest(`sha256:${hex.repeat(64)}`)) as [never, never]

function drift(place: PackagePlace, locked: string): string[] {
  const lock = lockOf({ etcd: '*' }, { etcd: ['3.5.16'] })
  const packages = lock.packages.map((one) => ({ ...one, source: locked, layer: a }))
  const module = { id, kind: 'taskserv', name: 'etcd', source: place, origin: 'w.yaml:5:11' } as const
  return moduleDrift({ ...lock, packages }, [module], [], '/home/robin/ws')
}

describe('a module that the lock has elsewhere', () => {
  it.each([
    [{ type: 'oci', host: 'ghcr.io', repository: 'a/etcd' }, 'oci://ghcr.io/a/etcd', 'oci://ghcr.io/b/etcd'],
    [
      { type: 'layout', path: '/home/robin/registry', repository: 'etcd' },
      'layout:../registry#etcd',
      'layout:../registry#redis',
    ],
    [{ type: 'folder', path: '/home/robin/ws/own/etcd' }, 'path:own/etcd', 'path:other/etcd'],
    [
      { type: 'git', url: 'https://git.example.org/a/b', tag: 'taskservs/etcd/v{version}' },
      'git+https://git.example.org/a/b#taskservs/etcd/v3.5.16',
      'git+https://git.example.org/a/bc#taskservs/etcd/v3.5.16',
    ],
    [
      { type: 'tarball', url: 'https://example.org/etcd-3.5.16.tar.gz', digest: a },
      'https://example.org/etcd-3.5.16.tar.gz',
      'https://example.org/old/etcd-3.5.16.tar.gz',
    ],
  ] as const)('is told: $type', (place, same, other) => {
    expect(drift(place, same)).toEqual([])
    const [line = '', ...more] = drift(place, other)
    expect(more).toEqual([])
    expect(line).toMatch(/^etcd is at \S+[^#] now, and at \S+ in the lock \(w\.yaml:5:11\)$/)
    expect(line).toContain(` ${other} in the lock`)
  })

  it('is told where an archive has another digest', () => {
    const url = 'https://example.org/etcd-3.5.16.tar.gz'
    expect(drift({ type: 'tarball', url, digest: b }, url)).toEqual([
      `etcd is ${b} now, and ${a} in the lock (w.yaml:5:11)`,
    ])
  })
})
