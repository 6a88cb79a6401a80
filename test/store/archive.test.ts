import { existsSync } from 'node:fs'
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Header } from 'tar/header'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { archiveRegistry } from '../../src/store/archive.ts'
import { tarOf } from '../../src/store/archive-write.ts'
import { copy } from '../../src/store/copy.ts'
import { contentFrom, type Registry } from '../../src/store/store.ts'
import { artifact, blobOf, emptyConfig, indexOf, pushBlob } from '../contract/artifacts.ts'
import { temporaryFolder } from './folder.ts'

const latest = parseTag('latest')
const refName = 'org.opencontainers.image.ref.name'

async function fill(registry: Registry, order: readonly string[]): Promise<void> {
  for (const path of order) {
    const store = registry.repository(path)
    const subject = await artifact(store, `layer of ${path}`)
    await artifact(store, `signature in ${path}`, { subject: subject.descriptor })
    await store.tag(subject, [latest, parseTag('1.0.0')])
  }
  await registry.finish()
}

/** A tar of files, then changed or not by the test. */
async function write(path: string, files: Record<string, string | Uint8Array>): Promise<void> {
  const list = Object.entries(files).map(([name, content]) => {
    const bytes = Buffer.from(content)
    return { path: name, size: bytes.byteLength, open: () => [bytes] }
  })
  await writeFile(path, Buffer.concat(await Array.fromAsync(tarOf(list))))
}

const marker = '{"imageLayoutVersion":"1.0.0"}'

describe('an archive', () => {
  test('has the same bytes whatever the order of writing', async () => {
    await using folder = await temporaryFolder()
    const [one, two] = [join(folder.path, 'one.tar'), join(folder.path, 'two.tar')]
    await using first = archiveRegistry(one)
    await using second = archiveRegistry(two)
    await fill(first, ['tools/a', 'tools/b'])
    await fill(second, ['tools/b', 'tools/a'])
    expect(digestOf(await readFile(one))).toBe(digestOf(await readFile(two)))
    expect((await readdir(folder.path)).sort()).toEqual(['one.tar', 'two.tar'])
  })

  test('names tags repository:tag and keeps signatures with their repository', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'all.tar')
    await using registry = archiveRegistry(file)
    await fill(registry, ['tools/a'])
    const text = (await readFile(file)).toString('latin1')
    expect(text).toContain(`"${refName}":"tools/a:latest"`)
    expect(text).toContain(`"${refName}":"tools/a:1.0.0"`)
    expect(text).toContain('"dev.slipway.repository":"tools/a"')
  })

  test('without finish leaves no file, and finish without a write neither', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'all.tar')
    {
      await using registry = archiveRegistry(file, { staging: folder.path })
      await artifact(registry.repository('one'), 'layer')
      expect(await readdir(folder.path)).toHaveLength(1)
    }
    expect(await readdir(folder.path)).toEqual([])
    await using registry = archiveRegistry(file)
    await registry.repository('one').resolve(latest)
    await registry.finish()
    expect(existsSync(file)).toBe(false)
  })

  test('takes more content later, and keeps what it had', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'all.tar')
    for (const path of ['one', 'two', 'three']) {
      await using registry = archiveRegistry(file)
      await fill(registry, [path])
    }
    await using registry = archiveRegistry(file)
    expect(await Array.fromAsync(registry.repositories())).toEqual(['one', 'three', 'two'])
    const store = registry.repository('one')
    expect(await Array.fromAsync(store.tags())).toEqual(['1.0.0', 'latest'])
    const layer = blobOf('layer of one')
    expect(Buffer.concat(await Array.fromAsync(store.fetch(layer.descriptor)))).toEqual(
      Buffer.from(layer.bytes),
    )
  })

  test('shares blobs between its repositories by mounting', async () => {
    await using folder = await temporaryFolder()
    await using registry = archiveRegistry(join(folder.path, 'all.tar'))
    const [one, two] = [registry.repository('one'), registry.repository('two')]
    const root = await artifact(one, 'shared')
    const layer = blobOf('shared').descriptor
    expect(await two.exists(layer)).toBe(false)
    expect(await two.push(layer, contentFrom(one, layer))).toBe('mounted')
    const result = await copy(one, root.descriptor, two, { tags: [latest] })
    expect(result.bytes.uploaded).toBe(root.descriptor.size)
  })

  test('leaves out what no manifest names', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'all.tar')
    await using registry = archiveRegistry(file)
    await fill(registry, ['one'])
    const store = registry.repository('one')
    await pushBlob(store, blobOf('named by nobody'))
    await artifact(store, 'a reason to write')
    await registry.finish()
    expect((await readFile(file)).includes('named by nobody')).toBe(false)
  })

  test('holds content under longer digests, whose names need an extended header', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'all.tar')
    await using registry = archiveRegistry(file)
    const store = registry.repository('one')
    const layer = blobOf('long name')
    const long = { ...layer, descriptor: { ...layer.descriptor, digest: digestOf(layer.bytes, 'sha512') } }
    await pushBlob(store, emptyConfig)
    await pushBlob(store, long)
    const { manifestOf } = await import('../contract/artifacts.ts')
    await store.tag(manifestOf([long]), [latest])
    await registry.finish()
    await using again = archiveRegistry(file)
    const read = again.repository('one').fetch(long.descriptor)
    expect(Buffer.concat(await Array.fromAsync(read)).toString()).toBe('long name')
  })

  test('that somebody else wrote meanwhile is not overwritten', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'all.tar')
    await using registry = archiveRegistry(file)
    await artifact(registry.repository('one'), 'mine')
    await using other = archiveRegistry(file)
    await fill(other, ['two'])
    const before = await readFile(file)
    await expect(registry.finish()).rejects.toMatchObject({ code: 'ARCHIVE_CHANGED' })
    expect((await readFile(file)).equals(before)).toBe(true)
  })

  test('of another tool is read: bare tags, signatures without a home, indexes', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'all.tar')
    await using source = archiveRegistry(join(folder.path, 'source.tar'))
    const store = source.repository('')
    const below = await artifact(store, 'layer')
    const index = indexOf([below])
    await store.put(index)
    const signature = await artifact(store, 'signature', { subject: below.descriptor })
    const entry = { ...index.descriptor, annotations: { [refName]: '1.0.0' } }
    const files: Record<string, string | Uint8Array> = {
      './oci-layout': marker,
      './index.json': JSON.stringify({ schemaVersion: 2, manifests: [signature.descriptor, entry] }),
      'manifest.json': '[]',
    }
    for (const one of [index, below, signature])
      files[`./blobs/${one.descriptor.digest.replace(':', '/')}`] = one.bytes
    for (const one of [emptyConfig, blobOf('layer'), blobOf('signature')])
      files[`./blobs/${one.descriptor.digest.replace(':', '/')}`] = one.bytes
    await write(file, files)
    await using registry = archiveRegistry(file)
    const read = registry.repository('')
    expect(await Array.fromAsync(registry.repositories())).toEqual([''])
    expect((await read.resolve(parseTag('1.0.0')))?.digest).toBe(index.descriptor.digest)
    expect(await read.resolve(below.descriptor.digest)).toEqual(below.descriptor)
    const listed = await Array.fromAsync(read.referrers(below.descriptor))
    expect(listed.map((one) => one.digest)).toEqual([signature.descriptor.digest])
  })
})

describe('an archive that is damaged or hostile', () => {
  const layout = { 'oci-layout': marker, 'index.json': '{"schemaVersion":2,"manifests":[]}' }
  const refused = async (file: string, message: string) => {
    await using registry = archiveRegistry(file)
    await expect(registry.repository('one').resolve(latest)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining(message),
    })
  }

  test('is refused when it is no tar, or a compressed one', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'all.tar')
    await writeFile(file, 'x'.repeat(2048))
    await refused(file, 'not a tar archive')
    await writeFile(file, gzipSync(Buffer.alloc(100_000, 'slipway'), { level: 0 }))
    await refused(file, 'gunzip')
  })

  test('is refused when a part of a layout is missing or wrong', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'all.tar')
    await write(file, { 'index.json': layout['index.json'] })
    await refused(file, 'oci-layout is missing')
    await write(file, { 'oci-layout': marker })
    await refused(file, 'index.json is missing')
    await write(file, { ...layout, 'oci-layout': '{"imageLayoutVersion":"2.0.0"}' })
    await refused(file, 'not 1.0.0')
    await write(file, { ...layout, 'index.json': '{"manifests":[{"digest":"sha256:../../etc"}]}' })
    await refused(file, 'manifests[0]')
  })

  test('is refused when it ends too early', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'all.tar')
    await write(file, { ...layout, 'blobs/sha256/x': Buffer.alloc(5000) })
    await truncate(file, 3 * 512 + 1024)
    await refused(file, 'it ends in the middle')
  })

  test('is refused when a name is there twice', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'all.tar')
    await write(file, { ...layout, './index.json': '{"manifests":[]}' })
    await refused(file, 'index.json is there twice')
  })

  test('is refused when it holds a link or a device', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'all.tar')
    await write(file, layout)
    const good = await readFile(file)
    for (const type of ['SymbolicLink', 'Link', 'CharacterDevice', 'FIFO'] as const) {
      const header = new Header({
        path: 'blobs',
        type,
        linkpath: '/etc',
        size: 0,
        mode: 0o644,
        mtime: new Date(0),
      })
      header.encode()
      await writeFile(file, Buffer.concat([header.block ?? Buffer.alloc(512), good]))
      await refused(file, '"blobs" is no regular file')
    }
  })

  test('does not hand out a blob with other bytes', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'all.tar')
    await using registry = archiveRegistry(file)
    await fill(registry, ['one'])
    const bytes = await readFile(file)
    const layer = blobOf('layer of one')
    bytes.write('LAYER', bytes.indexOf(Buffer.from(layer.bytes)))
    await writeFile(file, bytes)
    await using again = archiveRegistry(file)
    const store = again.repository('one')
    await expect(Array.fromAsync(store.fetch(layer.descriptor))).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
  })

  test('is named when its folder is a file', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'file'), '')
    await using registry = archiveRegistry(join(folder.path, 'file/all.tar'))
    await expect(registry.repository('one').resolve(latest)).rejects.toMatchObject({
      code: 'ARCHIVE_NOT_READABLE',
    })
  })
})
