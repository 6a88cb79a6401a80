import { createHash } from 'node:crypto'
import type { TreeFile } from '../tree/tree.ts'

/**
 * kpm's `sum` of a package: base64 of the SHA-256 over the contents of all files, one after another in the
 * order of a walk. Names do not count. Paths with `.git` or `.tar` anywhere in them are passed over.
 * @param files of a package, with paths from its root; links are not read
 */
export async function kclSum(files: readonly TreeFile[]): Promise<string> {
  const hash = createHash('sha256')
  const counted = files.filter((file) => file.link === undefined && !isPassedOver(file.path))
  for (const file of counted.sort((a, b) => compareWalk(a.path, b.path)))
    for await (const chunk of file.open()) hash.update(chunk)
  return hash.digest('base64')
}

/**
 * What kpm neither packs nor sums, `.gitignore` and `a.tar.gz` among it. kpm looks at absolute paths, but
 * where a checkout lies says nothing about a package.
 */
export function isPassedOver(path: string): boolean {
  return path.includes('.git') || path.includes('.tar')
}

/**
 * The order in which Go walks folders: by the bytes of names, folder by folder, so that all of `a/` comes
 * before `a.k` although `.` sorts before `/`.
 */
export function compareWalk(a: string, b: string): number {
  const [one, other] = [a.split('/'), b.split('/')]
  for (let depth = 0; depth < Math.min(one.length, other.length); depth++) {
    const order = Buffer.compare(Buffer.from(one[depth] ?? ''), Buffer.from(other[depth] ?? ''))
    if (order !== 0) return order
  }
  return one.length - other.length
}
