import { describe, expect, it } from 'vitest'
import { compareLocks, showChanges } from '../../src/lockfile/changes.ts'
import {
  explainMismatch,
  type Requirements,
  requirementsDigest,
  rootTexts,
} from '../../src/lockfile/requirements.ts'
import { absoluteSource, relativeSource } from '../../src/lockfile/source.ts'
import { writeLock } from '../../src/lockfile/write.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { locked, lockOf } from './random.ts'

describe('the comparison of two locks', () => {
  const same = locked('same', { dependencies: { a: '1', b: '2' } })
  const before = lockOf([
    same,
    locked('gone'),
    locked('up', { version: '1.9.0' }),
    locked('down', { version: '2.0.0' }),
    locked('rebuilt'),
    locked('moved'),
    locked('away', { version: '1.0.0' }),
    locked('folder', { source: 'path:x', dependencies: { a: '1' } }),
  ])
  const after = lockOf([
    { ...same, dependencies: { b: '2', a: '1' } },
    locked('new'),
    locked('up', { version: '1.10.0', layer: digestOf('other') }),
    locked('down', { version: '2.0.0-rc.1' }),
    locked('rebuilt', { layer: digestOf('other') }),
    locked('moved', { source: 'oci://other.example/moved' }),
    locked('away', { version: '1.0.1', source: 'layout:x#away' }),
    locked('folder', { source: 'path:x', dependencies: { a: '2' } }),
  ])

  it('tells each kind of change, one line a package', () => {
    expect(showChanges(compareLocks(before, after))).toEqual([
      '↑ away 1.0.0 → 1.0.1, from oci://ghcr.io/example/away to layout:x#away',
      '↓ down 2.0.0 → 2.0.0-rc.1',
      '~ folder 1.0.0 requires something else',
      '- gone 1.0.0',
      '~ moved 1.0.0, from oci://ghcr.io/example/moved to oci://other.example/moved',
      '+ new 1.0.0',
      `! rebuilt 1.0.0 has other content: ${digestOf('layer of rebuilt')} → ${digestOf('other')}`,
      '↑ up 1.9.0 → 1.10.0',
    ])
    expect(compareLocks(before, after).map(({ type }) => type)).toEqual([
      'upgraded',
      'downgraded',
      'requires',
      'removed',
      'moved',
      'added',
      'replaced',
      'upgraded',
    ])
  })

  it('finds nothing between a lock and itself, and everything where there was none', () => {
    expect(compareLocks(before, { ...before, packages: [...before.packages].reverse() })).toEqual([])
    expect(compareLocks(undefined, lockOf([same]))).toEqual([{ id: 'same', type: 'added', after: same }])
  })

  it('notices another manifest over the same layer', () => {
    const signed = locked('same', { manifest: digestOf('with another date') })
    expect(compareLocks(lockOf([locked('same')]), lockOf([signed]))[0]?.type).toBe('replaced')
    const line = showChanges(compareLocks(lockOf([locked('same')]), lockOf([signed])))[0]
    expect(line).toContain(`${digestOf('manifest of same')} → ${digestOf('with another date')}`)
  })
})

describe('what a lock was asked for', () => {
  const wanted: Requirements = {
    roots: { kubernetes: '^1.28', gone: '*' },
    options: { platform: 'linux/amd64', lowest: 'true' },
    folders: { cilium: { kubernetes: '>=1.20', '42': '*' } },
  }
  const lock = lockOf(
    [locked('cilium', { source: 'path:x', dependencies: { '42': '*', kubernetes: '>=1.20' } })],
    {
      roots: wanted.roots,
      options: wanted.options,
      requirements: requirementsDigest(wanted),
    },
  )

  it('has one digest in every order, and another one after every change', () => {
    const reordered: Requirements = {
      roots: { gone: '*', kubernetes: '^1.28' },
      options: { lowest: 'true', platform: 'linux/amd64' },
      folders: { cilium: { '42': '*', kubernetes: '>=1.20' } },
    }
    expect(requirementsDigest(reordered)).toBe(requirementsDigest(wanted))
    expect(explainMismatch(lock, reordered)).toEqual([])
    const changes: Requirements[] = [
      { ...wanted, roots: { ...wanted.roots, kubernetes: '^1.29' } },
      { ...wanted, roots: { ...wanted.roots, more: '*' } },
      { ...wanted, options: {} },
      { ...wanted, folders: {} },
      { ...wanted, folders: { cilium: { kubernetes: '>=1.20' } } },
    ]
    const digests = new Set([wanted, ...changes].map(requirementsDigest))
    expect(digests.size).toBe(changes.length + 1)
    for (const change of changes) expect(explainMismatch(lock, change)).not.toEqual([])
  })

  it('is explained by every difference, with the line of what is required now', () => {
    const roots = [
      { id: 'kubernetes', text: '^1.29', origin: 'workspace/config/provisioning.yaml:12:9' },
      { id: 'more', text: '~2.1', origin: 'workspace/config/provisioning.yaml:13:9' },
    ]
    const now: Requirements = {
      roots: rootTexts(roots),
      options: { platform: 'linux/arm64', prereleases: 'all' },
      folders: { cilium: { kubernetes: '>=1.29', runc: '*' }, fresh: {} },
    }
    expect(explainMismatch(lock, now, roots)).toEqual([
      'gone * is in the lock, but no longer required',
      'kubernetes changed from ^1.28 to ^1.29 (workspace/config/provisioning.yaml:12:9)',
      'more ~2.1 is required, but not in the lock (workspace/config/provisioning.yaml:13:9)',
      'the option lowest was true, and is not set now',
      'the option platform changed from linux/amd64 to linux/arm64',
      'the option prereleases is all now, and was not set',
      'cilium no longer requires 42',
      'cilium requires kubernetes >=1.29 now, and >=1.20 in the lock',
      'cilium requires runc *, which is not in the lock',
      'the folder of fresh is not in the lock',
    ])
  })

  it('is noticed to be edited in the lock itself, by a range or only by the digest', () => {
    expect(explainMismatch({ ...lock, roots: { ...wanted.roots, kubernetes: '^1.27' } }, wanted)).toEqual([
      'kubernetes changed from ^1.27 to ^1.28',
    ])
    expect(explainMismatch({ ...lock, requirements: digestOf('x') }, wanted)).toEqual([
      expect.stringContaining('edited or merged by hand'),
    ])
  })

  it('keeps several ranges of one package, in a fixed order', () => {
    const roots = [
      { id: 'a', text: '<2' },
      { id: 'a', text: '^1' },
      { id: 'a', text: '<2' },
    ]
    expect(rootTexts(roots)).toEqual({ a: '<2, ^1' })
    expect(rootTexts(roots.toReversed())).toEqual({ a: '<2, ^1' })
  })
})

describe('a source', () => {
  it.each([
    ['layout:/home/u/repo/.slipway/registry#a/b', 'layout:.slipway/registry#a/b'],
    ['layout:/home/u/repo#a', 'layout:.#a'],
    ['archive:/home/u/x.tar#a', 'archive:../x.tar#a'],
    ['path:/home/u/repo/task#servs/x', 'path:task#servs/x'],
    ['path:taskservs/x', 'path:taskservs/x'],
    ['oci://ghcr.io/a/b', 'oci://ghcr.io/a/b'],
    ['git+https://h/x.git#v1.0.0', 'git+https://h/x.git#v1.0.0'],
  ])('%s is %s in the lock, and comes back', (absolute, relative) => {
    expect(relativeSource(absolute, '/home/u/repo')).toBe(relative)
    const back = absoluteSource(relative, '/home/u/repo')
    expect(back).toBe(absolute.startsWith('path:taskservs') ? 'path:/home/u/repo/taskservs/x' : absolute)
  })

  it('that shares nothing with the lock but the root of the system is refused', () => {
    expect(() => relativeSource('layout:/tmp/registry#a', '/home/u/repo')).toThrow(
      expect.objectContaining({ code: 'LOCK_SOURCE_NOT_PORTABLE', exit: 3 }),
    )
    expect(relativeSource('layout:/home/cache#a', '/home/u/repo')).toBe('layout:../../cache#a')
  })

  it('with an absolute path never comes into a lock', () => {
    for (const source of ['path:/etc', 'layout:/srv/registry#a', 'archive:C:/x.tar#a'])
      expect(() => writeLock(lockOf([locked('a', { source })]))).toThrow(
        expect.objectContaining({ code: 'LOCK_SOURCE_NOT_PORTABLE', exit: 3 }),
      )
  })
})
