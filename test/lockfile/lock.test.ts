import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hasCode, type SlipwayError } from '../../src/core/error.ts'
import type { Lock } from '../../src/lockfile/lock.ts'
import { readLock } from '../../src/lockfile/read.ts'
import { writeLock } from '../../src/lockfile/write.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { locked, lockOf, randomLock, seeded, shuffled } from './random.ts'

const kubernetes = locked('kubernetes', {
  version: '1.28.0',
  dependencies: { containerd: '>=1.7.0 <2.0.0' },
  platforms: ['linux/amd64'],
})
const small = lockOf([kubernetes, locked('containerd', { version: '1.7.2' })], {
  roots: { kubernetes: '^1.28' },
  options: { platform: 'linux/amd64' },
})

function failure(text: string | Uint8Array): SlipwayError {
  try {
    readLock(text, 'slipway.lock')
  } catch (error) {
    if (hasCode(error, 'LOCK_INVALID', 'LOCK_NEWER', 'LOCK_CONFLICT')) return error
    throw error
  }
  throw new Error('was read')
}

/** As `Object.entries` would give it, with everything in a fixed order. */
function normal(lock: Lock): unknown {
  const sorted = (texts: Readonly<Record<string, string>>) => Object.entries(texts).sort()
  const packages = lock.packages
    .map((one) => ({ ...one, dependencies: sorted(one.dependencies), platforms: [...one.platforms].sort() }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  return { ...lock, roots: sorted(lock.roots), options: sorted(lock.options), packages }
}

describe('a lock', () => {
  it('is written for people and git: sorted, one block a package, without times or places', () => {
    expect(
      writeLock(small),
    ).toBe(`# Written by slipway, for everybody to get the same versions. Commit it; do not edit it.
# After a merge conflict, keep either side and run: slipway deps resolve
version: 1
requirements: ${digestOf('requirements')}
options:
  platform: linux/amd64
roots:
  kubernetes: ^1.28
packages:
  containerd:
    kind: taskserv
    version: 1.7.2
    source: oci://ghcr.io/example/containerd
    manifest: ${digestOf('manifest of containerd')}
    layer: ${digestOf('layer of containerd')}
  kubernetes:
    kind: taskserv
    version: 1.28.0
    source: oci://ghcr.io/example/kubernetes
    manifest: ${digestOf('manifest of kubernetes')}
    layer: ${digestOf('layer of kubernetes')}
    dependencies:
      containerd: ">=1.7.0 <2.0.0"
    platforms:
      - linux/amd64
`)
  })

  it('reads back as it was, and writes the same text in whatever order it was put together', () => {
    let packages = 0
    for (let seed = 1; seed <= 100; seed++) {
      const random = seeded(seed)
      const lock = randomLock(random)
      const closed = { ...lock, packages: withoutDangling(lock) }
      const text = writeLock(closed)
      const read = readLock(text, 'slipway.lock')
      expect(normal(read)).toEqual(normal(closed))
      expect(read.packages.map(({ id }) => id)).toEqual(closed.packages.map(({ id }) => id).sort())
      expect(writeLock(read)).toBe(text)
      expect(writeLock({ ...closed, packages: shuffled(closed.packages, random) })).toBe(text)
      packages += closed.packages.length
    }
    expect(packages).toBeGreaterThan(1000)
  })

  it('of an empty solution is read, too', () => {
    const empty = lockOf([])
    expect(normal(readLock(writeLock(empty), 'slipway.lock'))).toEqual(normal(empty))
  })

  it('is merged by git where two branches add packages at different places; only the digest conflicts', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'slipway-lock-'))
    try {
      const base = ['b', 'd', 'f', 'h'].map((id) => locked(id))
      const write = (name: string, lock: Lock) => writeFile(join(dir, name), writeLock(lock))
      const roots = { b: '*', d: '*', f: '*', h: '*' }
      await write('base', lockOf(base, { roots, requirements: digestOf('base') }))
      await write(
        'ours',
        lockOf([...base, locked('a')], { roots: { ...roots, a: '*' }, requirements: digestOf('ours') }),
      )
      await write(
        'theirs',
        lockOf([...base, locked('g')], { roots: { ...roots, g: '*' }, requirements: digestOf('theirs') }),
      )
      const merge = spawnSync('git', ['merge-file', '-p', 'ours', 'base', 'theirs'], {
        cwd: dir,
        encoding: 'utf8',
      })
      expect(merge.status).toBe(1)
      const conflict = /^<<<<<<< ours\n(.*\n)=======\n(.*\n)>>>>>>> theirs\n/m.exec(merge.stdout)
      expect(conflict?.[1]).toBe(`requirements: ${digestOf('ours')}\n`)
      const line = merge.stdout.split('\n').findIndex((one) => one.startsWith('<<<<<<<')) + 1
      expect(failure(merge.stdout)).toMatchObject({
        code: 'LOCK_CONFLICT',
        exit: 2,
        message: expect.stringContaining(`slipway.lock:${line}:1: `),
        hint: expect.stringContaining('slipway deps resolve'),
      })
      const either = readLock(merge.stdout.replace(conflict?.[0] ?? '', conflict?.[1] ?? ''), 'slipway.lock')
      expect(either.packages.map(({ id }) => id)).toEqual(['a', 'b', 'd', 'f', 'g', 'h'])
      expect(Object.keys(either.roots).sort()).toEqual(['a', 'b', 'd', 'f', 'g', 'h'])
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })

  it('of a later version names the version and what to do', () => {
    expect(failure(writeLock(small).replace('version: 1\n', 'version: 2\nextra: [1]\n'))).toMatchObject({
      code: 'LOCK_NEWER',
      exit: 2,
      message: 'slipway.lock:3:10: the lock has version 2; this program reads 1',
    })
  })

  it('is not written where it could not be read again', () => {
    const dangling = { ...small, packages: [kubernetes] }
    expect(() => writeLock(dangling)).toThrow(expect.objectContaining({ code: 'LOCK_INVALID' }))
  })
})

describe('a broken or hostile lock', () => {
  const text = writeLock(small)
  const { source = '' } = kubernetes
  const replaced = (from: string, to: string) => {
    expect(text).toContain(from)
    return text.replace(from, to)
  }
  it.each<[string, string, string, string]>([
    [
      'a wrong digest',
      digestOf('layer of kubernetes'),
      'sha256:beef',
      ':21:12: packages.kubernetes.layer is not a digest',
    ],
    [
      'a digest of another case',
      digestOf('requirements'),
      digestOf('x').toUpperCase(),
      ':4:15: requirements is not a digest',
    ],
    [
      'no layer digest',
      `    layer: ${digestOf('layer of kubernetes')}\n`,
      '',
      ':16:3: kubernetes has no digest of its layer',
    ],
    [
      'no manifest digest',
      `    manifest: ${digestOf('manifest of kubernetes')}\n`,
      '',
      ':16:3: kubernetes has no digest of its manifest',
    ],
    ['no source', `    source: ${source}\n`, '', ':16:3: kubernetes has no source'],
    ['a kind that is none', 'kind: taskserv', 'kind: taskserve', ':11:11: packages.containerd.kind must be'],
    ["a kind that is not the id's", 'kind: taskserv', 'kind: kcl', ':10:3: containerd cannot be of kind kcl'],
    ['a version that is none', '1.28.0', '1.28', ':18:14: packages.kubernetes.version must be text'],
    [
      'a path that is absolute',
      source,
      'path:/etc',
      ':19:13: packages.kubernetes.source has an absolute path',
    ],
    [
      'a path that hides where it leads',
      source,
      'path:a/../../etc',
      ':19:13: packages.kubernetes.source is not a normal path',
    ],
    ['a Windows path', source, 'layout:C:/x#y', ':19:13: packages.kubernetes.source has an absolute path'],
    [
      'a backslash',
      source,
      'path:a\\b',
      ':19:13: packages.kubernetes.source has a path that holds a backslash',
    ],
    [
      'a password',
      source,
      'https://u:p@h/x.tgz',
      ':19:13: packages.kubernetes.source holds a user or password',
    ],
    ['an escape sequence', source, '"path:a\\u001b[2J"', ':19:13: packages.kubernetes.source'],
    [
      'an unknown scheme',
      source,
      'file:///etc/passwd',
      ':19:13: packages.kubernetes.source is none of oci://',
    ],
    [
      'a tag in a source',
      source,
      'oci://h/x:1.0.0',
      ':19:13: packages.kubernetes.source names a tag or digest',
    ],
    [
      'an unknown key',
      '    kind',
      '    scripts: rm -rf\n    kind',
      'The key packages.containerd.scripts is unknown',
    ],
    ['a name that is a path', '  kubernetes:\n', '  ../../x:\n', ':16:3: The key packages'],
    [
      'a package twice',
      '  kubernetes:\n',
      '  containerd:\n',
      ':16:3: The key "containerd" stands here a second time',
    ],
    ['__proto__', '  kubernetes:\n', '  __proto__:\n', ':16:3: The key __proto__ is not allowed'],
    ['an alias', 'platform: linux/amd64', 'platform: &a x\n  y: *a', ':7:6: The alias *a is not allowed'],
    [
      'a root that is missing',
      'kubernetes: ^1.28',
      'helm: ^1.28',
      ':8:3: The lock has no package helm, which is a root',
    ],
    [
      'a need that is missing',
      '      containerd:',
      '      runc:',
      ':23:7: The lock has no package runc, which kubernetes needs',
    ],
    [
      'a text instead of a mapping',
      'options:\n  platform: linux/amd64',
      'options: x',
      ':5:10: options must be a mapping',
    ],
  ])('with %s is refused at its place', (_name, from, to, message) => {
    const error = failure(replaced(from, to))
    expect(error).toMatchObject({
      code: 'LOCK_INVALID',
      exit: 2,
      // Resolving alone would read the same lock, and fail in the same way.
      hint: expect.stringMatching(/from git .*, or remove it; then run slipway deps resolve/),
    })
    expect(error.message).toContain(`slipway.lock`)
    expect(error.message).toContain(message)
    expect(error.message).not.toMatch(/[\x00-\x1f]/)
  })

  it('names every error, up to 50', () => {
    const error = failure(
      replaced('  kubernetes: ^1.28', Array.from({ length: 500 }, (_, n) => `  p${n}: "*"`).join('\n')),
    )
    expect(error.message).toBe('slipway.lock has 50 errors, the first at slipway.lock:8:3')
    expect(error.findings).toHaveLength(50)
  })

  it.each<[string, () => string | Uint8Array, string]>([
    ['larger than 16 MiB', () => `${writeLock(small)}#${'x'.repeat(16 * 1024 * 1024)}`, 'YAML_TOO_LARGE'],
    ['nested by the ten thousand', () => '['.repeat(10_000), 'YAML_'],
    ['that is no UTF-8', () => Buffer.from([0x76, 0xff, 0xfe]), 'YAML_NOT_UTF8'],
    ['that is empty', () => '', 'LOCK_VALUE_INVALID'],
    ['that is a list', () => '- 1', 'LOCK_VALUE_INVALID'],
  ])('%s is refused', (_name, make, code) => {
    expect(failure(make()).findings.map((one) => one.code)).toContainEqual(expect.stringContaining(code))
  })

  it('changes no prototype, whatever its packages are called', () => {
    const lock = lockOf([locked('constructor'), locked('prototype', { dependencies: { constructor: '*' } })])
    expect(readLock(writeLock(lock), 'x').packages[1]?.dependencies).toEqual({ constructor: '*' })
    expect(Object.getPrototypeOf({})).toBe(Object.prototype)
    expect(({} as Record<string, unknown>).dependencies).toBeUndefined()
  })

  it('with thousands of packages is read, too', () => {
    const many = lockOf(Array.from({ length: 8000 }, (_, n) => locked(`p${n}`)))
    const text = writeLock(many)
    expect(readLock(text, 'slipway.lock').packages).toHaveLength(8000)
    // As many bytes as 20,000 packages from a registry have.
    const long = `${`# ${'x'.repeat(997)}\n`.repeat(9000)}${writeLock(small)}`
    expect(readLock(long, 'slipway.lock').packages).toHaveLength(2)
  })
})

/** Roots and dependencies are drawn from the packages' own ids, so nothing dangles but a core that is not there. */
function withoutDangling(lock: Lock) {
  const ids = new Set<string>([...lock.packages.map(({ id }) => id), 'core'])
  for (const one of lock.packages)
    expect(Object.keys(one.dependencies).filter((id) => !ids.has(id))).toEqual([])
  return lock.packages
}
