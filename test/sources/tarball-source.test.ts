import { readdirSync, readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { type TarballSourceOptions, tarballSource } from '../../src/sources/tarball-source.ts'
import { writeTar } from '../../src/tarball/write.ts'
import { memoryTree } from '../../src/tree/memory.ts'
import { extensionId, kclId } from '../../src/version/package-id.ts'
import { parseVersion } from '../../src/version/version.ts'
import { serve, transport } from '../http/servers.ts'
import { quick, rejection } from '../registry/client.ts'
import { temporary } from './folder.ts'

const redis = extensionId('redis')
const one = parseVersion('1.0.0')
const manifest =
  'name: redis\ntype: taskserv\nversion: 1.0.0\ndependencies: {etcd: ^3}\nplatforms: [linux/amd64]\n'

async function archive(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const entries = await Array.fromAsync(memoryTree(files).files())
  return gzipSync(Buffer.concat(await Array.fromAsync(writeTar(entries, 0))))
}

/** A source of what a server answers, and the requests that it got. */
async function served(answer: Buffer | RequestListener, options: Partial<TarballSourceOptions> = {}) {
  const { url, requests } = await serve((request, response) => {
    if (typeof answer === 'function') answer(request, response)
    else response.end(answer)
  })
  const folder = temporary()
  const source = tarballSource({
    id: redis,
    url: `${url.href}redis.tar.gz`,
    digest: digestOf(typeof answer === 'function' ? '' : answer),
    transport: transport({ limits: quick }),
    scratch: async () => folder,
    ...options,
  })
  return { source, requests, folder }
}

describe('an archive behind a web address', () => {
  test('is one version of its package, fetched once and kept as a file', async () => {
    const bytes = await archive({
      'manifest.yaml': manifest,
      'kcl/kcl.mod': '[package]\nname = "redis"\n[dependencies]\nk8s = "1.31.2"\n',
      'scripts/install.nu': '',
    })
    const { source, requests } = await served(bytes)
    const [versions] = await Promise.all([source.versions(redis), source.versions(redis)])
    expect(versions.map((each) => each.version)).toEqual(['1.0.0'])
    expect(await source.candidate(redis, one)).toMatchObject({
      id: 'redis',
      kind: 'taskserv',
      source: source.name,
      layer: { digest: digestOf(bytes), size: bytes.byteLength },
      requires: [
        { id: 'etcd', text: '^3' },
        { id: 'kcl:k8s', text: '>=1.31.2' },
      ],
      platforms: ['linux/amd64'],
    })
    expect(readFileSync(await source.file())).toEqual(bytes)
    expect(await source.candidate(redis, parseVersion('2.0.0'))).toBeUndefined()
    expect(requests.map((request) => request.url)).toEqual(['/redis.tar.gz'])
  })

  test('is not asked for any other package', async () => {
    const { source, requests } = await served(Buffer.alloc(0))
    expect(await source.versions(extensionId('etcd'))).toEqual([])
    expect(await source.candidate(extensionId('etcd'), one)).toBeUndefined()
    expect(requests).toEqual([])
  })

  test('may be a KCL package', async () => {
    const bytes = await archive({ 'kcl.mod': '[package]\nname = "net"\nversion = "1.0.0"\n', 'a.k': '' })
    const { source } = await served(bytes, { id: kclId('net') })
    expect(await source.candidate(kclId('net'), one)).toMatchObject({ id: 'kcl:net', kind: 'kcl' })
  })

  test.each([
    [{ 'manifest.yaml': manifest.replace('redis', 'etcd') }, 'name is "etcd"'],
    [{ 'manifest.yaml': manifest.replace('^3', 'newest') }, 'dependencies.etcd is not a version range'],
    [{ 'redis/manifest.yaml': manifest }, 'manifest.yaml is missing'],
  ])('is refused where it holds %j', async (files, message) => {
    const { source } = await served(await archive(files))
    expect(await rejection(source.versions(redis))).toMatchObject({
      code: 'SOURCE_UNUSABLE',
      exit: 2,
      side: 'source',
      message: expect.stringContaining(message),
    })
  })

  test('is refused where its manifest is larger than any', async () => {
    const { source } = await served(await archive({ 'manifest.yaml': ' '.repeat(256 * 1024 + 1) }))
    expect(await rejection(source.versions(redis))).toMatchObject({ code: 'ARCHIVE_TOO_LARGE' })
  })

  test.each<[string, Partial<TarballSourceOptions>, string]>([
    ['with another digest', { digest: digestOf('other') }, 'DIGEST_MISMATCH'],
    ['that is too large', { limit: 10 }, 'ARCHIVE_TOO_LARGE'],
  ])('%s is thrown away unopened', async (_, options, code) => {
    const { source, folder } = await served(await archive({ 'manifest.yaml': manifest }), options)
    expect(await rejection(source.versions(redis))).toMatchObject({
      code,
      side: 'source',
      message: expect.stringContaining(source.name),
    })
    expect(readdirSync(folder)).toEqual([])
  })

  test('is an error where the server has none, or breaks off, and is tried again the next time', async () => {
    const bytes = await archive({ 'manifest.yaml': manifest })
    let asked = 0
    const { source, folder } = await served(
      (_, response) => {
        asked++
        if (asked === 1) response.writeHead(404).end('gone')
        else if (asked === 2)
          response
            .writeHead(200, { 'content-length': bytes.byteLength })
            .write(bytes.subarray(0, 9), () => response.destroy())
        else response.end(bytes)
      },
      { digest: digestOf(bytes) },
    )
    expect(await rejection(source.versions(redis))).toMatchObject({ code: 'DOWNLOAD_FAILED' })
    expect(await rejection(source.versions(redis))).toMatchObject({ side: 'source' })
    expect(readdirSync(folder)).toEqual([])
    expect(await source.versions(redis)).toHaveLength(1)
  })

  test('is not fetched when offline', async () => {
    const { source, requests } = await served(Buffer.alloc(0), { offline: true })
    expect(await rejection(source.versions(redis))).toMatchObject({ code: 'OFFLINE' })
    expect(requests).toEqual([])
  })

  test.each(['ftp://user:secret@h/x', 'file:///etc/passwd', 'x', 'https://user:secret@h/x'])(
    'is not %s',
    async (url) => {
      const error = await rejection(served(Buffer.alloc(0), { url }))
      expect(error).toMatchObject({ code: 'ADDRESS_INVALID', exit: 2 })
      expect(String(error)).not.toContain('secret')
    },
  )
})
