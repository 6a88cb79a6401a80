import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { kclSum } from '../../src/kcl/sum.ts'
import { folderTree } from '../../src/tree/folder.ts'
import { memoryTree } from '../../src/tree/memory.ts'
import type { Tree } from '../../src/tree/tree.ts'
import { write } from '../git/fixture.ts'

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'slipway-sum-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const sumOf = async (tree: Tree) => kclSum(await Array.fromAsync(tree.files()))

/** The rule once more, as kpm carries it out: over real folders, one level after another. */
function walked(folder: string, relative = ''): Buffer[] {
  const names = readdirSync(folder).map((name) => Buffer.from(name))
  return names.sort(Buffer.compare).flatMap((name) => {
    const [path, below] = [join(folder, String(name)), `${relative}/${name}`]
    if (statSync(path).isDirectory()) return walked(path, below)
    return /\.git|\.tar/.test(below) ? [] : [readFileSync(path)]
  })
}

/** Repeatable numbers below `most`. */
function numbers(seed: number): (most: number) => number {
  let state = seed
  return (most) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % most
  }
}

it('agrees with a walk over real folders, for random trees', async () => {
  const names = ['a', 'a.k', 'a-b', 'A', 'b', '.k', '.github', 'x.tar.gz', 'x.tgz', 'ä', '￿', '𝔸', 'a b']
  for (let seed = 1; seed <= 60; seed++) {
    const below = numbers(seed)
    const name = (): string => names[below(names.length)] ?? ''
    const files: Record<string, string> = {}
    for (let count = 0; count < 12; count++) {
      const path = Array.from({ length: 1 + below(3) }, name).join('/')
      const taken = Object.keys(files).some(
        (one) => `${one}/`.startsWith(`${path}/`) || path.startsWith(`${one}/`),
      )
      if (!taken) files[path] = `${seed} ${count}`
    }
    const folder = join(dir, `${seed}`)
    write(folder, files)
    const expected = createHash('sha256')
      .update(Buffer.concat(walked(folder)))
      .digest('base64')
    expect(await sumOf(folderTree(folder)), JSON.stringify(files)).toBe(expected)
    expect(await sumOf(memoryTree(files))).toBe(expected)
  }
})

const sha = (text: string) => createHash('sha256').update(text).digest('base64')

it('goes through folders by name, not through paths by their text', async () => {
  expect(await sumOf(memoryTree({ 'a.k': '2', 'a/z.k': '1', 'a-b': '3', B: '0' }))).toBe(sha('0132'))
  expect(await sumOf(memoryTree({ a: 'x', b: 'y' }))).toBe(await sumOf(memoryTree({ c: 'xy' })))
})

it('passes over git and tar files wherever the words stand, but not over .tgz', async () => {
  const files = {
    'a.k': '1',
    '.gitignore': 'x',
    '.github/a.k': 'x',
    'x.tar': 'x',
    'a.target/b': 'x',
    'y.tgz': '2',
  }
  expect(await sumOf(memoryTree(files))).toBe(sha('12'))
})

it('has the sum of nothing for an empty folder', async () => {
  expect(await sumOf(memoryTree({}))).toBe('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=')
})
