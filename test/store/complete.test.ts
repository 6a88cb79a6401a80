import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parseTag } from '../../src/oci/reference.ts'
import { archiveRegistry } from '../../src/store/archive.ts'
import { tarOf } from '../../src/store/archive-write.ts'
import { checkArchive, checkLayouts } from '../../src/store/complete.ts'
import { layoutRegistry } from '../../src/store/layout.ts'
import type { Registry } from '../../src/store/store.ts'
import { artifact, type Blob, blobOf, emptyConfig, indexOf } from '../contract/artifacts.ts'
import { temporaryFolder } from './folder.ts'

async function folder(): Promise<string> {
  const made = await temporaryFolder()
  onTestFinished(() => made[Symbol.asyncDispose]())
  return made.path
}

/** An index of one image, with a signature about it. */
async function fill(registry: Registry) {
  const store = registry.repository('team/one')
  const image = await artifact(store, 'image')
  const index = indexOf([image])
  await store.tag(index, [parseTag('1.0.0')])
  const signature = await artifact(store, 'signature', { subject: index.descriptor })
  await registry.finish()
  return { image, index, signature }
}

type File = Pick<Blob, 'descriptor' | 'bytes'>

/** An archive of these blobs, whatever its index says. */
async function write(path: string, index: object, files: readonly File[]): Promise<void> {
  const all = [
    { path: 'oci-layout', bytes: Buffer.from('{"imageLayoutVersion":"1.0.0"}') },
    { path: 'index.json', bytes: Buffer.from(JSON.stringify(index)) },
    ...files.map(({ descriptor, bytes }) => ({
      path: `blobs/${descriptor.digest.replace(':', '/')}`,
      bytes,
    })),
  ]
  const tar = tarOf(all.map(({ path, bytes }) => ({ path, size: bytes.byteLength, open: () => [bytes] })))
  await writeFile(path, Buffer.concat(await Array.fromAsync(tar)))
}

/** What `fill` makes, as an archive without one of its parts or with another in its place. */
async function archiveWith(change: (files: File[]) => readonly File[], rest: object = {}): Promise<string> {
  const dir = await folder()
  await using made = layoutRegistry(join(dir, 'layout'))
  const { image, index, signature } = await fill(made)
  const entry = {
    ...index.descriptor,
    annotations: { 'org.opencontainers.image.ref.name': 'team/one:1.0.0' },
  }
  const files = [image, index, signature, emptyConfig, blobOf('image'), blobOf('signature')]
  const path = join(dir, 'all.tar')
  await write(path, { schemaVersion: 2, manifests: [entry, signature.descriptor], ...rest }, change(files))
  return path
}

const digest = (text: string) => blobOf(text).descriptor.digest

describe('an archive', () => {
  test('that is whole is counted', async () => {
    const path = join(await folder(), 'all.tar')
    await using registry = archiveRegistry(path)
    await fill(registry)
    expect(await checkArchive(path)).toMatchObject({ manifests: 3, blobs: 3 })
  })

  test('that lacks a layer, a config, an image of an index or a signature is refused with its digest', async () => {
    for (const at of [0, 2, 3, 4, 5]) {
      let missing = ''
      const path = await archiveWith((files) => {
        missing = files[at]?.descriptor.digest ?? ''
        return files.toSpliced(at, 1)
      })
      await expect(checkArchive(path)).rejects.toMatchObject({
        code: 'ARCHIVE_INCOMPLETE',
        message: expect.stringContaining(missing),
      })
    }
  })

  test('says by what name a missing root stands in its index', async () => {
    const path = await archiveWith((files) => files.toSpliced(1, 1))
    await expect(checkArchive(path)).rejects.toMatchObject({
      code: 'ARCHIVE_INCOMPLETE',
      message: expect.stringContaining('team/one:1.0.0'),
    })
  })

  test('with other bytes in a blob, also in one that nothing names, is refused with its digest', async () => {
    const other = { descriptor: blobOf('stray').descriptor, bytes: Buffer.from('STRAY') }
    const stray = await archiveWith((files) => [...files, other])
    await expect(checkArchive(stray)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining(digest('stray')),
    })
    const layer = { descriptor: blobOf('image').descriptor, bytes: Buffer.from('IMAGE') }
    const changed = await archiveWith((files) => files.with(4, layer))
    await expect(checkArchive(changed)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining(digest('image')),
    })
    const longer = { descriptor: blobOf('image').descriptor, bytes: Buffer.from('image!') }
    await expect(checkArchive(await archiveWith((files) => files.with(4, longer)))).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('has 6 bytes'),
    })
  })

  test('that was cut off anywhere is refused', async () => {
    const path = await archiveWith((files) => files)
    const whole = await readFile(path)
    // Without its end a tar is still whole for every reader: two empty blocks, which nothing needs.
    for (const size of [1, 511, 700, 1600, 4000, whole.byteLength - 1530]) {
      await writeFile(path, whole)
      await truncate(path, size)
      await expect(checkArchive(path), `${size} bytes`).rejects.toMatchObject({
        code: expect.stringMatching(/^ARCHIVE_IN(VALID|COMPLETE)$/),
      })
    }
  })

  test('that goes on from an earlier one may lack blobs, but never a manifest', async () => {
    const rest = { annotations: { 'dev.slipway.since': `sha256:${'0'.repeat(64)}` } }
    const { manifests, blobs, elsewhere } = await checkArchive(
      await archiveWith((files) => files.slice(0, 4), rest),
    )
    expect([manifests, blobs, [...elsewhere].sort()]).toEqual([
      3,
      1,
      [digest('image'), digest('signature')].sort(),
    ])
    const manifest = await archiveWith((files) => files.slice(1), rest)
    await expect(checkArchive(manifest)).rejects.toMatchObject({ code: 'ARCHIVE_INCOMPLETE' })
  })
})

describe('a folder of layouts', () => {
  test('is held to the same, and the file is named', async () => {
    const dir = await folder()
    await using registry = layoutRegistry(dir)
    await fill(registry)
    expect(await checkLayouts(dir)).toMatchObject({ manifests: 3, blobs: 3 })
    const file = (text: string) => join(dir, 'team/one/blobs', digest(text).replace(':', '/'))
    await writeFile(file('image'), 'IMAGE')
    await expect(checkLayouts(dir)).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
      message: expect.stringContaining(digest('image')),
    })
    await rm(file('image'))
    await expect(checkLayouts(dir)).rejects.toMatchObject({
      code: 'LAYOUT_INCOMPLETE',
      message: expect.stringContaining(`${dir}/team/one`),
    })
  })
})
