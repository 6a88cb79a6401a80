import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, cpSync, utimesSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openRepository } from '../../src/git/repository.ts'
import { type Packed, type PackOptions, pack } from '../../src/package/pack.ts'
import { extract } from '../../src/tarball/extract.ts'
import { readTar } from '../../src/tarball/read.ts'
import { folderTree } from '../../src/tree/folder.ts'
import { type MemoryFile, memoryTree } from '../../src/tree/memory.ts'
import type { Tree } from '../../src/tree/tree.ts'
import { commitAll, git, gitEnv, write } from '../git/fixture.ts'
import { keepingStore } from './stage.ts'

let dir: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'pack-')))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const files: Record<string, MemoryFile> = {
  'manifest.yaml': 'name: demo\ntype: taskserv\nversion: 1.2.3\n',
  'scripts/install.nu': { content: '#!/usr/bin/env nu\nprint hello\n', executable: true },
  'kcl/kcl.mod': '[package]\nname = "demo"\n',
  'current.nu': { link: 'scripts/install.nu' },
}
const manifest = {
  name: 'demo',
  type: 'taskserv',
  version: '1.2.3',
  description: 'A demonstration',
  author: 'A <a@example.org>',
  license: 'Apache-2.0',
  homepage: 'https://demo.example.org',
  repository: 'https://git.example.org/demo',
  dependencies: { etcd: '^3.5' },
}

async function packed(tree: Tree, options: PackOptions = {}) {
  const kept = keepingStore()
  const result = await pack(
    { kind: 'taskserv', name: 'demo', version: '1.2.3', manifest, tree },
    kept.store,
    options,
  )
  return { ...kept, ...result }
}
const digests = (result: Packed) => [result.layer.digest, result.config.digest]
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
async function pathsIn(result: {
  layer: Packed['layer']
  blobs: ReadonlyMap<string, Buffer>
}): Promise<string[]> {
  const paths: string[] = []
  for await (const entry of readTar(once(result.blobs.get(result.layer.digest) ?? Buffer.alloc(0)), {
    name: 'layer',
  }))
    paths.push(entry.path)
  return paths
}

test('fixed files lead to the layer and config they always led to', async () => {
  const result = await packed(memoryTree(files))
  expect(digests(result)).toEqual([
    'sha256:aa6c33fa8d9daccebe3f98a25b700972cc5692af7905963452f608d5549c4edd',
    'sha256:0db387895c61a470b9aec6930e097e464c0e0c3fe48d78bd2fe265942b6fe4ce',
  ])
  const off = await packed(memoryTree(files), { compression: 'off' })
  expect(off.layer.digest).toBe('sha256:024e27361bcea3877ab5bad27a201cbbc900b3bc9198f7e87bbdba0fc3b491e5')
})

test('the artifact has type, config, titled layer and annotations', async () => {
  const result = await packed(
    memoryTree(files, { commit: 'c'.repeat(40), time: new Date('2024-05-06T07:08:09Z') }),
  )
  expect(result.manifests).toEqual([result.encoded])
  expect(result.encoded.manifest).toMatchObject({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: 'application/vnd.slipway.taskserv.v1',
    config: { mediaType: 'application/vnd.slipway.manifest.v1+json' },
    layers: [
      {
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
        annotations: { 'org.opencontainers.image.title': 'demo-1.2.3.tar.gz' },
      },
    ],
  })
  expect(result.encoded.manifest.annotations).toEqual({
    'org.opencontainers.image.title': 'demo',
    'org.opencontainers.image.version': '1.2.3',
    'org.opencontainers.image.description': 'A demonstration',
    'org.opencontainers.image.authors': 'A <a@example.org>',
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.url': 'https://demo.example.org',
    'org.opencontainers.image.source': 'https://git.example.org/demo',
    'org.opencontainers.image.created': '2024-05-06T07:08:09Z',
    'org.opencontainers.image.revision': 'c'.repeat(40),
    'dev.slipway.manifest': JSON.stringify(manifest),
  })
  expect(JSON.parse(String(result.blobs.get(result.config.digest)))).toEqual(manifest)
})

test('the archive lists its own files with sums, modes and sizes, and neither time nor commit', async () => {
  const result = await packed(memoryTree(files, { commit: 'c'.repeat(40), time: new Date() }))
  const bytes = result.blobs.get(result.layer.digest) ?? Buffer.alloc(0)
  await extract(once(bytes), join(dir, 'out'), { name: 'layer' })
  const text = await readFile(join(dir, 'out/oci-manifest.json'), 'utf8')
  const listing = JSON.parse(text)
  expect(Object.keys(listing)).toEqual(['artifactType', 'annotations', 'files'])
  expect(text).not.toContain('cccc')
  expect(text).not.toMatch(/created|revision/)
  expect(listing.files.map((file: { path: string }) => file.path)).toEqual([
    'current.nu',
    'kcl/kcl.mod',
    'manifest.yaml',
    'scripts/install.nu',
  ])
  for (const file of listing.files) {
    if (file.link !== undefined) continue
    const content = await readFile(join(dir, 'out', file.path))
    expect(file).toMatchObject({
      size: content.byteLength,
      sha256: createHash('sha256').update(content).digest('hex'),
    })
  }
  expect(listing.files[3].mode).toBe('0755')
  expect(await pathsIn(result)).toEqual([
    'current.nu',
    'kcl/kcl.mod',
    'manifest.yaml',
    'oci-manifest.json',
    'scripts/install.nu',
  ])
  expect(result.files).toBe(5)
})

test('layer and config do not depend on commit, umask, times, copies, file order or time zone', async () => {
  const a = join(dir, 'a')
  const texts = { 'b.txt': 'b\r\n', 'a.txt': 'a', 'bin/run': 'x', 'ä.txt': 'ä' }
  git(dir, 'init', '-q')
  write(a, texts)
  chmodSync(join(a, 'bin/run'), 0o755)
  commitAll(dir)
  await using repository = await openRepository(dir, { environment: gitEnv })
  const first = await repository?.head()
  write(dir, { unrelated: '1' })
  commitAll(dir)
  const second = await repository?.head()
  if (repository === undefined || first === undefined || second === undefined) throw new Error('no commit')
  const expected = await packed(await repository.commitTree(first, 'a'))
  expect(expected.encoded.manifest.annotations?.['org.opencontainers.image.revision']).toBe(first.id)
  const other = await packed(await repository.commitTree(second, 'a'))
  expect(digests(other)).toEqual(digests(expected))
  expect(other.encoded.descriptor.digest).not.toBe(expected.encoded.descriptor.digest)
  const copy = join(dir, 'copy')
  cpSync(a, copy, { recursive: true })
  chmodSync(join(copy, 'bin/run'), 0o700)
  chmodSync(join(copy, 'a.txt'), 0o666)
  utimesSync(join(copy, 'a.txt'), 1, 1)
  expect(digests(await packed(folderTree(copy)))).toEqual(digests(expected))
  const reversed = folderTree(copy)
  const backwards: Tree = {
    ...reversed,
    async *files() {
      yield* (await Array.fromAsync(reversed.files())).reverse()
    },
  }
  const zone = process.env.TZ
  process.env.TZ = 'Asia/Kathmandu'
  try {
    expect(digests(await packed(backwards))).toEqual(digests(expected))
  } finally {
    if (zone === undefined) delete process.env.TZ
    else process.env.TZ = zone
  }
})

test('SOURCE_DATE_EPOCH sets the times inside and, without a commit, created', async () => {
  const result = await packed(memoryTree(files), { sourceDateEpoch: 1_000_000_000 })
  expect(result.encoded.manifest.annotations?.['org.opencontainers.image.created']).toBe(
    '2001-09-09T01:46:40Z',
  )
  await writeFile(join(dir, 'x.tgz'), result.blobs.get(result.layer.digest) ?? '')
  const listing = execFileSync('tar', ['tvzf', join(dir, 'x.tgz')], {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
  })
  expect(listing.match(/2001-09-09 01:46/g)).toHaveLength(5)
  await expect(packed(memoryTree(files), { sourceDateEpoch: 1.5 })).rejects.toMatchObject({
    code: 'SOURCE_DATE_EPOCH_INVALID',
  })
})

test('every compression level holds the same tar; off is that tar', async () => {
  const off = await packed(memoryTree(files), { compression: 'off' })
  const tar = off.blobs.get(off.layer.digest)
  expect(off.title).toBe('demo-1.2.3.tar')
  expect(off.layer.mediaType).toBe('application/vnd.oci.image.layer.v1.tar')
  for (const compression of [0, 1, 9] as const) {
    const result = await packed(memoryTree(files), { compression })
    expect(gunzipSync(result.blobs.get(result.layer.digest) ?? '').equals(tar ?? Buffer.alloc(0))).toBe(true)
    expect(result.uncompressed).toBe(tar?.byteLength)
  }
})

test('as an image it has an image config with the layer’s DiffID and no time', async () => {
  const result = await packed(memoryTree(files), { shape: 'image' })
  const off = await packed(memoryTree(files), { compression: 'off' })
  expect(result.encoded.manifest.artifactType).toBeUndefined()
  expect(result.config.mediaType).toBe('application/vnd.oci.image.config.v1+json')
  const config = JSON.parse(String(result.blobs.get(result.config.digest)))
  expect(config).toMatchObject({
    os: 'linux',
    architecture: 'amd64',
    rootfs: { type: 'layers', diff_ids: [off.layer.digest] },
  })
  expect(config.created).toBeUndefined()
  expect(result.encoded.manifest.annotations?.['dev.slipway.manifest']).toBe(JSON.stringify(manifest))
})

test('a plain folder without a manifest gets one from its name, kind and version', async () => {
  const { store, blobs } = keepingStore()
  const result = await pack(
    { kind: 'core', name: 'provisioning-core', version: '3.5.0', tree: memoryTree({ 'core.nu': '' }) },
    store,
  )
  expect(JSON.parse(String(blobs.get(result.config.digest)))).toEqual({
    name: 'provisioning-core',
    type: 'core',
    version: '3.5.0',
  })
})

test('ignored files, .git and .slipway stay out, and so does the ignore file; case matters', async () => {
  const result = await packed(
    memoryTree({
      ...files,
      '.slipwayignore': '# comment\n*.bak\n/drafts/\n!keep.bak\n',
      'x.bak': '',
      'keep.bak': '',
      'X.BAK': '',
      'drafts/a': '',
      'docs/drafts/a': '',
      '.slipway/registry/index.json': '',
      '.git/config': '',
    }),
  )
  expect(await pathsIn(result)).toEqual([
    'X.BAK',
    'current.nu',
    'docs/drafts/a',
    'kcl/kcl.mod',
    'keep.bak',
    'manifest.yaml',
    'oci-manifest.json',
    'scripts/install.nu',
  ])
})

test.each<[string, Record<string, MemoryFile>, string]>([
  ['an ignored manifest', { ...files, '.slipwayignore': '*.yaml\n' }, 'PACKAGE_MANIFEST_IGNORED'],
  ['a reserved name', { ...files, 'oci-manifest.json': '{}' }, 'PACKAGE_NAME_RESERVED'],
  ['nothing to pack', { '.slipwayignore': '' }, 'PACKAGE_EMPTY'],
  ['a link that leaves', { ...files, out: { link: '../x' } }, 'TREE_LINK_ESCAPES'],
  ['a hostile path', { ...files, 'a\nb': '' }, 'PATH_UNSAFE'],
])('%s is bad input, and nothing is written', async (_name, hostile, code) => {
  const kept = keepingStore()
  const packing = pack(
    { kind: 'taskserv', name: 'demo', version: '1.2.3', manifest, tree: memoryTree(hostile) },
    kept.store,
  )
  await expect(packing).rejects.toMatchObject({ code, exit: 2 })
  expect(kept.blobs.size + kept.manifests.length).toBe(0)
})

test('a large package goes through a file, reproducibly, and leaves no file behind', async () => {
  const big = Buffer.alloc(9 * 1024 * 1024)
  for (let at = 0; at < big.byteLength; at += 4) big.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at)
  const scratch = join(dir, 'scratch')
  await mkdir(scratch)
  await mkdir(join(dir, 'tree'))
  await writeFile(join(dir, 'tree/big'), big)
  const memory = await packed(memoryTree({ big }), { compression: 1, scratch })
  const folder = await packed(folderTree(join(dir, 'tree')), { compression: 1, scratch })
  const off = await packed(folderTree(join(dir, 'tree')), { compression: 'off', scratch })
  expect(digests(folder)).toEqual(digests(memory))
  expect(
    gunzipSync(folder.blobs.get(folder.layer.digest) ?? '').equals(
      off.blobs.get(off.layer.digest) ?? Buffer.alloc(0),
    ),
  ).toBe(true)
  expect(await readdir(scratch)).toEqual([])
})

test('a file that changes between its two readings is an error and leaves no file behind', async () => {
  let reading = 0
  const size = 9 * 1024 * 1024
  const file = {
    path: 'big',
    executable: false,
    size,
    async *open() {
      yield Buffer.alloc(size, ++reading)
    },
  }
  const tree: Tree = {
    name: 'changing',
    async *files() {
      yield file
    },
    file: async () => undefined,
  }
  await expect(packed(tree, { scratch: dir })).rejects.toMatchObject({ code: 'TREE_FILE_CHANGED' })
  expect(await readdir(dir)).toEqual([])
})

test('memory does not grow with the size of a package', async () => {
  const script = join(import.meta.dirname, 'pack-large.ts')
  const peak = execFileSync(process.execPath, ['--no-warnings', script, dir], { encoding: 'utf8' })
  // A Node that reads TypeScript takes about 90 MB; the package holds 300.
  expect(Number(peak)).toBeLessThan(200)
}, 60_000)
