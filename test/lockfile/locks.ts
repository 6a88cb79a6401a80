import type { Lock, LockedPackage } from '../../src/lockfile/lock.ts'
import { parseDigest } from '../../src/oci/digest.ts'
import type { PackageId } from '../../src/version/package-id.ts'

/** A lock of extensions: `{ kubernetes: ['1.28.0', { etcd: '^3.5.0' }] }`. */
export function lockOf(
  roots: Record<string, string>,
  packages: Record<string, readonly [version: string, dependencies?: Record<string, string>]>,
): Lock {
  return {
    roots,
    options: {},
    requirements: parseDigest(`sha256:${'0'.repeat(64)}`),
    packages: Object.entries(packages)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([id, [version, dependencies = {}]]): LockedPackage => ({
          id: id as PackageId,
          kind: 'taskserv',
          version,
          source: `path:taskservs/${id.replace(':', '-')}`,
          dependencies,
          platforms: [],
        }),
      ),
  }
}
