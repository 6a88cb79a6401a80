import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { folderTree } from '../../src/tree/folder.ts'
import { linkFault } from '../../src/tree/links.ts'
import { memoryTree } from '../../src/tree/memory.ts'
import { comparePaths, pathFault } from '../../src/tree/path.ts'
import { subtree } from '../../src/tree/subtree.ts'
import { readText } from '../../src/tree/text.ts'
import type { Tree } from '../../src/tree/tree.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tree-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function paths(tree: Tree): Promise<string[]> {
  const found: string[] = []
  for await (const file of tree.files()) found.push(file.path)
  return found.sort()
}

test('a folder tree lists files, executables and links, and leaves .git out at every depth', async () => {
  await mkdir(join(dir, 'a/.git'), { recursive: true })
  await mkdir(join(dir, '.git'))
  await writeFile(join(dir, '.git/config'), '')
  await writeFile(join(dir, 'a/.git/config'), '')
  await writeFile(join(dir, 'a/run'), 'x')
  await chmod(join(dir, 'a/run'), 0o755)
  await symlink('a', join(dir, 'to-a'))
  const tree = folderTree(dir)
  expect(await paths(tree)).toEqual(['a/run', 'to-a'])
  expect(await tree.file('a/run')).toMatchObject({ executable: true, size: 1 })
  expect(await tree.file('to-a')).toMatchObject({ link: 'a' })
  expect(await tree.file('a')).toBeUndefined()
})

test('one file is never read through a link, outside the folder or from .git', async () => {
  await mkdir(join(dir, 'in/.git'), { recursive: true })
  await writeFile(join(dir, 'in/.git/config'), 'secret')
  await writeFile(join(dir, 'outside'), 'secret')
  await symlink('..', join(dir, 'in/up'))
  const tree = folderTree(join(dir, 'in'))
  expect(await tree.file('up/outside')).toBeUndefined()
  expect(await tree.file('../outside')).toBeUndefined()
  expect(await tree.file('.git/config')).toBeUndefined()
})

test('a pipe in a folder is an error that names it', async () => {
  execFileSync('mkfifo', [join(dir, 'pipe')])
  await expect(paths(folderTree(dir))).rejects.toMatchObject({
    code: 'TREE_SPECIAL_FILE',
    message: expect.stringContaining('pipe'),
  })
})

test('a missing folder is an error that names it', async () => {
  await expect(paths(folderTree(join(dir, 'none')))).rejects.toMatchObject({
    code: 'FOLDER_MISSING',
    exit: 2,
  })
})

test('a file that grows after it was listed is an error, not other bytes', async () => {
  await writeFile(join(dir, 'log'), 'one')
  const file = await folderTree(dir).file('log')
  await writeFile(join(dir, 'log'), 'one two')
  const read = async () => {
    for await (const _ of file?.open() ?? []);
  }
  await expect(read()).rejects.toMatchObject({ code: 'TREE_FILE_CHANGED' })
})

test('text is read as UTF-8, within a limit and never through a link', async () => {
  const tree = memoryTree({
    good: '\ufeffgrün',
    bad: new Uint8Array([0xff, 0xfe]),
    long: 'x'.repeat(11),
    link: { link: 'good' },
  })
  expect(await readText(tree, 'good')).toBe('grün')
  expect(await readText(tree, 'none')).toBeUndefined()
  await expect(readText(tree, 'bad')).rejects.toMatchObject({ code: 'FILE_NOT_UTF8' })
  await expect(readText(tree, 'long', 10)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' })
  await expect(readText(tree, 'link')).rejects.toMatchObject({ code: 'FILE_IS_LINK' })
})

test('a subtree moves paths and keeps out folders whose name merely starts alike', async () => {
  const tree = subtree(memoryTree({ 'a/x': '1', 'ab/x': '2' }, { commit: 'c' }), 'a/')
  expect(await paths(tree)).toEqual(['x'])
  expect(await readText(tree, 'x')).toBe('1')
  expect(tree.commit).toBe('c')
})

test.each([
  ['../x', 'leaves the folder'],
  ['a/../../x', 'leaves the folder'],
  ['/etc/passwd', 'is absolute'],
  ['C:/x', 'is absolute'],
  ['a\\b', 'holds a backslash'],
  ['a\nb', 'holds a control character'],
  ['a//b', 'is not normal'],
  ['', 'is empty'],
])('path %j is refused', (path, fault) => {
  expect(pathFault(path)).toBe(fault)
})

test('paths are ordered by their UTF-8 bytes, not by UTF-16 units', () => {
  expect(['\u{1f600}', '\uffee', 'z', 'Z', 'a/b', 'a-b'].sort(comparePaths)).toEqual([
    'Z',
    'a-b',
    'a/b',
    'z',
    '\uffee',
    '\u{1f600}',
  ])
})

test.each([
  ['link straight out', { x: '../y' }],
  ['absolute link', { x: '/etc' }],
  ['circle', { x: 'y', y: 'x' }],
  ['way out through another link', { 'a/b/up': '../..', x: 'a/b/up/../y' }],
  ['Windows path', { x: '..\\y' }],
])('a %s is a fault', (_name, links) => {
  const all = new Map(Object.entries(links))
  expect(linkFault('x', all)).toBeDefined()
})

test('links that stay inside are no fault, dangling or through each other', () => {
  const links = new Map([
    ['a/b/up', '../..'],
    ['x', 'a/b/up/a/c'],
    ['a/d', '../nothing'],
  ])
  for (const path of links.keys()) expect(linkFault(path, links)).toBeUndefined()
})
