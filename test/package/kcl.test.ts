import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { descriptorOf } from '../../src/oci/descriptor.ts'
import { decode, encode, type ImageManifest } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { type PackOptions, pack } from '../../src/package/pack.ts'
import { packKcl } from '../../src/package/pack-kcl.ts'
import { readKclArchive, readKclPackage } from '../../src/package/read-kcl.ts'
import { sameContent } from '../../src/publishing/overwrite.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import { contentOf, type Store } from '../../src/store/store.ts'
import { readTar } from '../../src/tarball/read.ts'
import { type MemoryFile, memoryTree } from '../../src/tree/memory.ts'
import { write } from '../git/fixture.ts'

let store: Store
let dir: string

beforeEach(() => {
  store = memoryRegistry().repository('provisioning-kcl/net')
  dir = mkdtempSync(join(tmpdir(), 'slipway-kcl-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const mod = `[package]
name = "net"
version = "1.2.3"
description = "Addresses"
exclude = ["*_test.k"]

[dependencies]
k8s = "1.31.2"
`
const files: Record<string, MemoryFile> = {
  'kcl.mod': mod,
  'a.k': '2',
  'a/z.k': '1',
  'net_test.k': 'x',
  '.gitignore': 'x',
  'a/net_test.k': '0',
}

async function packed(more: Record<string, MemoryFile> = {}, options: PackOptions = {}, about = {}) {
  const tree = memoryTree({ ...files, ...more }, about)
  return await packKcl({ name: 'net', tree }, store, options)
}

async function bytesOf(descriptor: { mediaType: string; digest: unknown; size: number }): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(store.fetch(descriptor as never)))
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

const sha = (text: string) => createHash('sha256').update(text).digest('base64')

describe('packing a KCL package', () => {
  it('writes the manifest that kpm push writes', async () => {
    const { encoded, layer } = await packed({}, {}, { time: new Date('2026-11-21T07:00:00Z') })
    const type = 'application/vnd.oci.image.layer.v1.tar+gzip'
    expect(JSON.parse(String(Buffer.from(encoded.bytes)))).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: type,
      config: {
        mediaType: 'application/vnd.oci.empty.v1+json',
        digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
        size: 2,
        data: 'e30=',
      },
      layers: [
        {
          mediaType: type,
          digest: layer.digest,
          size: layer.size,
          annotations: { 'org.opencontainers.image.title': 'net_1.2.3.tgz' },
        },
      ],
      annotations: {
        'org.kcllang.package.name': 'net',
        'org.kcllang.package.version': '1.2.3',
        'org.kcllang.package.description': 'Addresses',
        'org.kcllang.package.sum': sha(`01${'2'}${mod}`),
        'org.opencontainers.image.created': '2026-11-21T07:00:00Z',
      },
    })
    expect(String(await bytesOf(encoded.manifest.config))).toBe('{}')
  })

  it('packs what kpm packs, in its order, as plain files alone', async () => {
    const { layer, files: count } = await packed()
    const tar = gunzipSync(await bytesOf(layer))
    const entries: [string, string][] = []
    for await (const one of readTar(once(tar), { name: 'layer' })) entries.push([one.type, one.path])
    expect(entries).toEqual(['a/net_test.k', 'a/z.k', 'a.k', 'kcl.mod'].map((path) => ['file', path]))
    expect(count).toBe(4)
    // Fixed, so that a version is the same package wherever and whenever it is packed.
    expect(layer.digest).toBe('sha256:fa17aaba4f1ffde8c5fdea0b4a94d7d2cd2109ea10a29a2afdaa45bbebb2f5cd')
    expect(tar.includes('pax_global_header')).toBe(false)
  })

  it('writes an empty description where there is none', async () => {
    const { encoded } = await packed({ 'kcl.mod': '[package]\nname = "net"\nversion = "1.2.3"\n' })
    expect(encoded.manifest.annotations?.['org.kcllang.package.description']).toBe('')
  })

  it('makes one layer and config whatever the commit, so that the overwrite rule finds it unchanged', async () => {
    const first = await packed({}, {}, { time: new Date(0), commit: 'a'.repeat(40) })
    const second = await packed({}, {}, { time: new Date(1e12), commit: 'b'.repeat(40) })
    expect(second.encoded.descriptor.digest).not.toBe(first.encoded.descriptor.digest)
    expect(sameContent(first.encoded, second.encoded)).toBe(true)
    const other = await packed({ 'a.k': '3' })
    expect(sameContent(first.encoded, other.encoded)).toBe(false)
  })

  it('writes a plain tar, as kpm did before, where compression is off', async () => {
    const { encoded, layer, title } = await packed({}, { compression: 'off' })
    expect(title).toBe('net_1.2.3.tar')
    expect([encoded.manifest.artifactType, layer.mediaType]).toEqual([mediaType.layerTar, mediaType.layerTar])
    const zipped = await packed()
    expect((await bytesOf(layer)).equals(gunzipSync(await bytesOf(zipped.layer)))).toBe(true)
  })

  it.each<[string, Record<string, MemoryFile>, string]>([
    ['a symbolic link', { 'b.k': { link: 'a.k' } }, 'KCL_PACKAGE_INVALID'],
    ['a path dependency', { 'kcl.mod': `${mod}x = { path = "../x" }\n` }, 'KCL_PACKAGE_INVALID'],
    ['no name', { 'kcl.mod': '[package]\n' }, 'KCL_PACKAGE_INVALID'],
    ['a hostile path', { 'a\nb': '' }, 'PATH_UNSAFE'],
  ])('refuses %s before anything is written', async (_name, more, code) => {
    await expect(packed(more)).rejects.toMatchObject({ code, exit: 2 })
    expect(await Array.fromAsync(store.tags())).toEqual([])
    expect(await store.exists(descriptorOf(mediaType.empty, Buffer.from('{}')))).toBe(false)
  })

  it('refuses more than is made in memory', async () => {
    const tree = memoryTree(files)
    const huge = { path: 'x', executable: false, size: 200 * 1024 ** 2, open: () => once(Buffer.from('')) }
    const files_ = async function* () {
      yield* tree.files()
      yield huge
    }
    await expect(packKcl({ name: 'net', tree: { ...tree, files: files_ } }, store)).rejects.toMatchObject({
      code: 'KCL_PACKAGE_TOO_LARGE',
    })
  })
})

describe('an extension whose schema needs KCL packages', () => {
  const packExtension = async (text: string) => {
    const tree = memoryTree({ 'scripts/install.nu': 'x', 'kcl/kcl.mod': text })
    const input = { kind: 'taskserv', name: 'x', version: '1.0.0', tree }
    return (await pack(input, store)).encoded.manifest.annotations?.['dev.slipway.kcl']
  }

  it('says so on its manifest', async () => {
    expect(await packExtension(mod)).toBe(
      '{"name":"net","version":"1.2.3","dependencies":{"k8s":">=1.31.2"}}',
    )
  })

  it('says nothing where it needs none, or only what a solver cannot find', async () => {
    for (const text of ['[package]\nname = "x"\n', '[dependencies]\na = { path = "../a" }\n', 'no toml'])
      expect(await packExtension(text)).toBeUndefined()
  })
})

describe('reading a KCL package', () => {
  it('finds what was packed', async () => {
    const { encoded } = await packed()
    expect(await readKclPackage(store, encoded)).toMatchObject({
      name: 'net',
      version: '1.2.3',
      sum: sha(`012${mod}`),
      dependencies: { k8s: '>=1.31.2' },
      mod: { description: 'Addresses' },
    })
  })

  it.each([
    ['a tar+gzip with folders, as kpm pushes it', mediaType.layerTarGzip, 'net_1.2.3.tgz'],
    ['a plain tar, as kpm ≤ 0.12.4 pushed it', mediaType.layerTar, 'net_1.2.3.tar'],
  ])('reads %s', async (_name, type, title) => {
    write(dir, { 'kcl.mod': mod, 'a/b.k': 'x' })
    const tar = execFileSync('tar', ['-C', dir, '--format=ustar', '-cf', '-', '.'])
    const bytes = type === mediaType.layerTar ? tar : gzipSync(tar)
    const layer = { ...descriptorOf(type, bytes), annotations: { 'org.opencontainers.image.title': title } }
    const config = descriptorOf(mediaType.empty, Buffer.from('{}'))
    await store.push(layer, contentOf(bytes))
    await store.push(config, contentOf(Buffer.from('{}')))
    const { bytes: written } = encode<ImageManifest>({
      schemaVersion: 2,
      mediaType: mediaType.manifest,
      artifactType: type,
      config,
      layers: [layer],
    })
    const found = decode(written, undefined, 'test')
    const read = await readKclPackage(store, found)
    expect(read).toMatchObject({ name: 'net', version: '1.2.3', dependencies: { k8s: '>=1.31.2' } })
    expect(read).not.toHaveProperty('sum')
  })

  it('stops reading once it has kcl.mod', async () => {
    write(dir, { 'kcl.mod': mod })
    const tar = execFileSync('tar', ['-C', dir, '--format=ustar', '-cf', '-', 'kcl.mod'])
    let asked = 0
    let closed = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        yield tar.subarray(0, 1024)
        for (; ; asked++) yield tar.subarray(0, 1024)
      } finally {
        closed = true
      }
    }
    expect(await readKclArchive(endless(), 'endless')).toMatchObject({ name: 'net' })
    expect(asked).toBeLessThan(3)
    expect(closed).toBe(true)
  })

  it.each<[string, Record<string, string>, string]>([
    ['has no kcl.mod', { 'a.k': 'x' }, 'no kcl.mod at its root'],
    ['has it in a folder only', { 'kcl/kcl.mod': mod }, 'no kcl.mod at its root'],
    ['is no TOML', { 'kcl.mod': '{' }, 'not TOML'],
    ['has no version', { 'kcl.mod': '[package]\nname = "net"\n' }, 'no usable name and version'],
    ['is huge', { 'kcl.mod': `#${'x'.repeat(1024 * 1024)}` }, 'kcl.mod has'],
  ])('refuses an archive whose description %s', async (_name, content, message) => {
    write(dir, content)
    const tar = execFileSync('tar', ['-C', dir, '-cf', '-', '.'], { maxBuffer: 1 << 24 })
    await expect(readKclArchive(once(tar), 'localhost:5000/net:1.2.3')).rejects.toMatchObject({
      code: 'KCL_PACKAGE_INVALID',
      exit: 2,
      message: expect.stringMatching(new RegExp(`localhost:5000/net:1.2.3.*${message}`)),
    })
  })
})
