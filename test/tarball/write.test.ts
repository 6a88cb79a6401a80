import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { compress, compressSync, parseCompression } from '../../src/tarball/compress.ts'
import { checkCompressor, vector } from '../../src/tarball/golden.ts'
import { arrange, writeTar } from '../../src/tarball/write.ts'
import { memoryTree } from '../../src/tree/memory.ts'
import type { Tree, TreeFile } from '../../src/tree/tree.ts'

async function filesOf(tree: Tree): Promise<TreeFile[]> {
  return await Array.fromAsync(tree.files())
}
async function tarOf(files: readonly TreeFile[], seconds = 0): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(writeTar(arrange(files, 'test'), seconds)))
}

const long = `${'deep/'.repeat(60)}file`
const tree = memoryTree({
  'z.txt': 'last',
  'a.txt': 'first',
  'bin/run': { content: '#!/bin/sh\n', executable: true },
  'to-run': { link: 'bin/run' },
  'grün.txt': 'umlaut',
  [long]: 'far down',
})

test('the tar of fixed files has the digest it always had', async () => {
  expect(digestOf(await tarOf(await filesOf(tree)))).toBe(
    'sha256:f3ed1c5b20862bf71c974361bb895203a0392ad6a1a7712529f01937134404ae',
  )
})

test('the order of files does not matter', async () => {
  const files = await filesOf(tree)
  expect(await tarOf(files.toReversed())).toEqual(await tarOf(files))
})

test('the system tar unpacks it: modes, links, long and non-ASCII paths, times', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tar-'))
  try {
    await writeFile(join(dir, 'x.tar'), await tarOf(await filesOf(tree), 1_000_000_000))
    const listing = execFileSync('tar', ['tvf', join(dir, 'x.tar')], {
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' },
      encoding: 'utf8',
    })
    expect(listing.split('\n').filter((line) => line !== '')).toHaveLength(6)
    expect(listing).toMatch(/-rwxr-xr-x 0\/0 +10 2001-09-09 01:46 bin\/run/)
    expect(listing).toMatch(/-rw-r--r-- 0\/0 +5 2001-09-09 01:46 a\.txt/)
    execFileSync('tar', ['xf', join(dir, 'x.tar'), '-C', dir])
    expect(await readFile(join(dir, 'to-run'), 'utf8')).toBe('#!/bin/sh\n')
    expect(await readFile(join(dir, long), 'utf8')).toBe('far down')
    expect(await readdir(dir)).toContain('grün.txt')
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})

test('links out of the folder are refused by name', async () => {
  const files = await filesOf(memoryTree({ 'a/x': { link: '../../etc/passwd' } }))
  expect(() => arrange(files, 'demo')).toThrow(
    expect.objectContaining({ code: 'TREE_LINK_ESCAPES', message: expect.stringContaining('a/x') }),
  )
})

test('a path twice and hostile paths are refused', async () => {
  const [file] = await filesOf(memoryTree({ x: '' }))
  if (file === undefined) throw new Error('no file')
  expect(() => arrange([file, file], 'demo')).toThrow(expect.objectContaining({ code: 'TREE_PATH_TWICE' }))
  expect(() => arrange([{ ...file, path: '../x' }], 'demo')).toThrow(
    expect.objectContaining({ code: 'PATH_UNSAFE' }),
  )
})

test('a file that is not as long as it said is an error', async () => {
  const [file] = await filesOf(memoryTree({ x: 'abc' }))
  if (file === undefined) throw new Error('no file')
  await expect(tarOf([{ ...file, size: 2 }])).rejects.toMatchObject({ code: 'TREE_FILE_CHANGED' })
  await expect(tarOf([{ ...file, size: 4 }])).rejects.toMatchObject({ code: 'TREE_FILE_CHANGED' })
})

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

test.each([0, 1, 6, 9] as const)(
  'level %i: a stream gives the same gzip however it is cut',
  async (level) => {
    const bytes = Buffer.concat([vector(), vector()])
    const results = await Promise.all(
      [777, 65_536, 1_000_000].map(async (size) =>
        Buffer.concat(await Array.fromAsync(compress(cut(bytes, size), level))),
      ),
    )
    const [first = Buffer.alloc(0)] = results
    for (const other of results) expect(other.equals(first)).toBe(true)
    expect(gunzipSync(first).equals(bytes)).toBe(true)
    if (level > 0) expect(first.equals(compressSync(bytes, level))).toBe(true)
  },
)

test('the gzip header says neither time nor system', () => {
  expect([...compressSync(Buffer.from('x'), 6).subarray(0, 10)]).toEqual([31, 139, 8, 0, 0, 0, 0, 0, 0, 255])
})

test('a failing source fails the compressed stream with its own error', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(100_000)
    throw new Error('disk gone')
  }
  await expect(Array.fromAsync(compress(broken(), 6))).rejects.toThrow('disk gone')
})

test('this Node compresses the golden vector as expected at every level', () => {
  for (const level of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'off'] as const) checkCompressor(level)
  expect(digestOf(vector())).toBe('sha256:157ea24276c175bc8ca08df7e351862b52af02a1d608739281b686f3edbb43b3')
})

test('levels are read strictly', () => {
  expect(parseCompression('9')).toBe(9)
  expect(parseCompression('off')).toBe('off')
  for (const bad of ['10', '-1', '', '6 ', 'best'])
    expect(() => parseCompression(bad)).toThrow(expect.objectContaining({ code: 'COMPRESSION_INVALID' }))
})
