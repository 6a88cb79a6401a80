import { createHash } from 'node:crypto'
import { refused } from '../core/error.ts'
import { type Compression, compressSync, defaultCompression } from './compress.ts'

/**
 * SHA-256 of the compressed vector at each level, as the zlib inside Node's own builds makes it (18 to 26,
 * x64 and arm64).
 */
const expected: readonly string[] = [
  '6dd75134431484ddc7734bc0d360ab7b2da904eb873e8abfb77e6b862c21991b',
  '39027d05a37fd583134ca5c77749971eb01157da5a9c11a2f24c1fca39d6c4bb',
  '40a830bf48029d83960af91da6814e866221699a3474c2acd71ef4c6cef4fd29',
  'fb731a1d2bbeee11a82f7f719c677e143678ba92ad86acab16f21bf468bb6f92',
  '89df6f0553b04e9775006cb99624f922817fb4b73106cc8732d4425f8ce7fff5',
  '03dc97ee512fb29ae8adb957dede4e4efad0f3525a21ff3916a35ae28250897a',
  '2c8dcdd65fd297257eae81b17cf5d55396fa922bab9a596e2cd104cf263b9e49',
  'b789f73c57b35ad3ce91e9313cf4b5b30b85bdd670590251d641590fd0d64144',
  'f819f1b9fe48faa595ab40dc419c4d189e6454505526536896ab727c22b6bed7',
  '664304ec06b64c9d5c970fcd3e043e04f11bdbb0e85bff19762841ddd7d57336',
]

const checked = new Map<Compression, boolean>()

/**
 * Compresses a golden vector once per level and process: a Node that was linked with another zlib makes
 * other bytes, and thereby other digests, of the same files.
 * @throws COMPRESSOR_DIFFERS
 */
export function checkCompressor(level: Compression): void {
  if (level === 'off') return
  // The default level too: some compressors agree on the vector at one level and differ at others.
  if (agrees(level) && agrees(defaultCompression)) return
  throw refused(
    'COMPRESSOR_DIFFERS',
    `This Node ${process.version} (${process.execPath}, zlib ${process.versions.zlib}) does not compress as Node's own builds do`,
    {
      hint: 'Use a Node from nodejs.org, choose compression off, or pass --allow-irreproducible.',
    },
  )
}

function agrees(level: Exclude<Compression, 'off'>): boolean {
  const known = checked.get(level)
  if (known !== undefined) return known
  const digest = createHash('sha256').update(compressSync(vector(), level)).digest('hex')
  checked.set(level, digest === expected[level])
  return digest === expected[level]
}

/** 96 KiB that use every part of deflate: words that repeat near and far, runs, and noise. */
export function vector(): Buffer {
  const words = 'image layer manifest config digest tag install check version cluster server node'.split(' ')
  let state = 20_261_121
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const parts: Buffer[] = []
  let size = 0
  while (size < 96 * 1024) {
    const kind = next(24)
    const part =
      kind === 0
        ? Buffer.alloc(next(600), next(256))
        : kind === 1
          ? Buffer.from(Array.from({ length: next(120) }, () => next(256)))
          : Buffer.from(`${words[next(words.length)]}${next(9) === 0 ? '\n' : ' '}`)
    parts.push(part)
    size += part.byteLength
  }
  return Buffer.concat(parts).subarray(0, 96 * 1024)
}
