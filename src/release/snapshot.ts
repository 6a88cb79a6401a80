import type { Commit } from '../git/commit-tree.ts'
import { parseVersion, type Version } from '../version/version.ts'

/**
 * The version of an unreleased commit: the manifest's version, or 0.0.0, followed by
 * `-snapshot.<commit time>.<sha>`. It sorts before the release it precedes and, by time, after older
 * snapshots.
 */
export function snapshotVersion(base: string | undefined, commit: Commit): Version {
  const time = commit.time.toISOString().replace(/[-:T]|\.\d+Z/g, '')
  let sha = commit.id.slice(0, 12)
  // Semver forbids leading zeros in identifiers that are digits alone.
  for (let length = 13; /^0\d+$/.test(sha) && length <= commit.id.length; length++)
    sha = commit.id.slice(0, length)
  const core = base === undefined ? '0.0.0' : /^\d+\.\d+\.\d+/.exec(base)?.[0]
  return parseVersion(`${core ?? '0.0.0'}-snapshot.${time}.${sha}`)
}
