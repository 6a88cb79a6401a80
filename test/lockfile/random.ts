import type { Kind } from '../../src/extension/kinds.ts'
import type { Lock, LockedPackage } from '../../src/lockfile/lock.ts'
import { type Digest, digestOf } from '../../src/oci/digest.ts'
import type { PackageId } from '../../src/version/package-id.ts'

/** Numbers in [0, 1) that are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** One block; `changes` say what is special about it. */
export function locked(id: string, changes: Partial<LockedPackage> = {}): LockedPackage {
  return {
    id: id as PackageId,
    kind: 'taskserv',
    version: '1.0.0',
    source: `oci://ghcr.io/example/${id.replace(':', '-')}`,
    manifest: digestOf(`manifest of ${id}`),
    layer: digestOf(`layer of ${id}`),
    dependencies: {},
    platforms: [],
    ...changes,
  }
}

export function lockOf(packages: readonly LockedPackage[], changes: Partial<Lock> = {}): Lock {
  return { roots: {}, options: {}, requirements: digestOf('requirements'), packages, ...changes }
}

/** A lock with names, ranges and sources that YAML or objects could take for something else. */
export function randomLock(random: () => number): Lock {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T
  const names = [
    'null',
    'true',
    '42',
    '7',
    '1e3',
    'constructor',
    'to-string',
    'a.b',
    'y',
    'no',
    'core',
    'x_1',
  ]
  const ids = [...new Set([...names, ...names.map((name) => `kcl:${name}`)])].filter(() => random() < 0.5)
  const ranges = [
    '^1.28',
    '1',
    '1.0',
    '*',
    '>=1.7.0 <2.0.0',
    '~1',
    '1.x || 2.x',
    'null',
    '- x',
    '# y',
    "it's",
  ]
  const texts = (of: readonly string[]) =>
    Object.fromEntries(of.filter(() => random() < 0.4).map((id) => [id, pick(ranges)]))
  const sources = [
    'layout:.slipway/registry#a/b',
    'layout:../beside folder#a',
    'archive:x.tar#a',
    'oci://h:1/a',
  ]
  const packages = ids.map((id): LockedPackage => {
    const kind: Kind = id === 'core' ? 'core' : id.startsWith('kcl:') ? 'kcl' : pick(['provider', 'cluster'])
    const folder = random() < 0.3
    const digest = (text: string): Digest => digestOf(text + random(), pick(['sha256', 'sha512']))
    return {
      id: id as PackageId,
      kind,
      version: pick(['1.0.0', '0.0.0-0', '10.20.30-rc.1']),
      ...(kind === 'core' && random() < 0.5 ? {} : { source: folder ? 'path:taskservs/x' : pick(sources) }),
      ...(folder ? {} : { manifest: digest('m'), layer: digest('l') }),
      dependencies: texts(ids),
      platforms: ['linux/amd64', 'linux/arm/v7'].filter(() => random() < 0.5),
    }
  })
  const options = Object.fromEntries(['platform', 'lowest'].map((key) => [key, pick(ranges)]))
  return lockOf(packages, { roots: texts(ids), options, requirements: digestOf(String(random())) })
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
