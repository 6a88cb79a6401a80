import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parseTag } from '../../src/oci/reference.ts'
import { layoutRegistry } from '../../src/store/layout.ts'
import { contentOf } from '../../src/store/store.ts'
import { artifact, blobOf, emptyConfig, manifestOf, pushBlob } from '../contract/artifacts.ts'
import { temporaryFolder } from './folder.ts'

const latest = parseTag('latest')
const writer = join(import.meta.dirname, 'layout-writer.ts')

async function entries(folder: string): Promise<{ digest: string; annotations?: Record<string, string> }[]> {
  return JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')).manifests
}

describe('the files of a layout', () => {
  test('are those of the image spec, one layout per repository', async () => {
    await using folder = await temporaryFolder()
    const store = layoutRegistry(folder.path).repository('tools/one')
    const manifest = await artifact(store, 'layer')
    await store.tag(manifest, [parseTag('1.0.0')])
    const layout = join(folder.path, 'tools/one')
    expect((await readdir(layout)).sort()).toEqual(['blobs', 'index.json', 'oci-layout'])
    expect(JSON.parse(await readFile(join(layout, 'oci-layout'), 'utf8'))).toEqual({
      imageLayoutVersion: '1.0.0',
    })
    expect(JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'))).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [
        {
          ...manifest.descriptor,
          artifactType: 'application/vnd.example.thing',
          annotations: { 'org.opencontainers.image.ref.name': '1.0.0' },
        },
      ],
    })
    expect(await readdir(join(layout, 'blobs/sha256'))).toHaveLength(3)
  })

  test('a manifest without tag has one entry, one with two tags has two', async () => {
    await using folder = await temporaryFolder()
    const store = layoutRegistry(folder.path).repository('one')
    const first = await artifact(store, 'first')
    expect(await entries(join(folder.path, 'one'))).toHaveLength(1)
    await store.tag(first, [parseTag('1.0.0'), latest])
    expect(await entries(join(folder.path, 'one'))).toHaveLength(2)
    const second = await artifact(store, 'second')
    await store.tag(second, [parseTag('1.0.0'), latest])
    const now = await entries(join(folder.path, 'one'))
    expect(now.filter((one) => one.digest === first.descriptor.digest)).toHaveLength(1)
    expect(now).toHaveLength(3)
  })

  test('what other tools wrote into index.json is kept', async () => {
    await using folder = await temporaryFolder()
    const registry = layoutRegistry(folder.path)
    const store = registry.repository('one')
    const manifest = await artifact(store, 'layer')
    const path = join(folder.path, 'one/index.json')
    const foreign = {
      ...JSON.parse(await readFile(path, 'utf8')),
      annotations: { 'org.example.by': 'another tool' },
    }
    foreign.manifests[0].annotations = {
      'org.example.note': 'kept',
      'org.opencontainers.image.ref.name': 'theirs',
    }
    await writeFile(path, JSON.stringify(foreign))
    await store.tag(manifest, [latest])
    const after = JSON.parse(await readFile(path, 'utf8'))
    expect(after.annotations).toEqual({ 'org.example.by': 'another tool' })
    expect(await Array.fromAsync(store.tags())).toEqual(['latest', 'theirs'])
    expect(after.manifests).toHaveLength(2)
    for (const one of after.manifests) expect(one.annotations['org.example.note']).toBe('kept')
  })

  test('a folder that is itself a layout is one repository', async () => {
    await using folder = await temporaryFolder()
    const single = layoutRegistry(folder.path).repository('')
    await single.tag(await artifact(single, 'layer'), [latest])
    expect(existsSync(join(folder.path, 'oci-layout'))).toBe(true)
    const again = layoutRegistry(folder.path)
    expect(await Array.fromAsync(again.repositories())).toEqual([''])
    expect(await Array.fromAsync(again.repository('').tags())).toEqual(['latest'])
    expect(() => again.repository('one')).toThrow(expect.objectContaining({ code: 'REPOSITORY_INVALID' }))
  })

  test('a folder of repositories never becomes one of them', async () => {
    await using folder = await temporaryFolder()
    const registry = layoutRegistry(folder.path)
    await artifact(registry.repository('one'), 'layer')
    await expect(artifact(registry.repository(''), 'layer')).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
    expect(existsSync(join(folder.path, 'oci-layout'))).toBe(false)
  })

  test('repositories cannot stand inside the files of others', async () => {
    const registry = layoutRegistry('/nowhere')
    for (const path of ['one/blobs', 'one/index.json/two', 'oci-layout'])
      expect(() => registry.repository(path), path).toThrow(
        expect.objectContaining({ code: 'REPOSITORY_INVALID' }),
      )
  })

  test('the ignore file is written with the first write, and one that is there is kept', async () => {
    await using folder = await temporaryFolder()
    const ignoreFile = join(folder.path, '.slipway/.gitignore')
    const open = () => layoutRegistry(join(folder.path, '.slipway/registry'), { ignoreFile })
    expect(await Array.fromAsync(open().repository('one').tags())).toEqual([])
    expect(existsSync(ignoreFile)).toBe(false)
    await artifact(open().repository('one'), 'layer')
    expect(await readFile(ignoreFile, 'utf8')).toBe('*\n')
    await writeFile(ignoreFile, 'mine\n')
    await artifact(open().repository('two'), 'layer')
    expect(await readFile(ignoreFile, 'utf8')).toBe('mine\n')
  })
})

describe('two processes that write into one layout', () => {
  test('lose nothing of each other', async () => {
    await using folder = await temporaryFolder()
    const run = (name: string) => promisify(execFile)(process.execPath, [writer, folder.path, name, '25'])
    await Promise.all([run('a'), run('b'), run('c')])
    const store = layoutRegistry(folder.path).repository('shared')
    const tags = await Array.fromAsync(store.tags())
    expect(tags).toHaveLength(75)
    for (const tag of tags) {
      const manifest = await store.manifest(tag)
      if (manifest === undefined) throw new Error(`${tag} is lost`)
      expect(await Array.fromAsync(store.referrers(manifest.descriptor)), tag).toHaveLength(1)
    }
    const left = (await readdir(join(folder.path, 'shared'))).filter((name) => name.startsWith('.'))
    expect(left).toEqual([])
  })

  test('a killed one leaves a layout that reads, and the next one completes it', async () => {
    await using folder = await temporaryFolder()
    let killed = 0
    for (const enough of [1, 150, 330]) {
      const child = spawn(process.execPath, [writer, folder.path, `killed-${enough}`, '100'])
      const ended = new Promise((resolve) => child.on('close', (_, signal) => resolve(signal)))
      const listed = () => entries(join(folder.path, 'shared')).catch(() => [])
      while (child.exitCode === null && (await listed()).length < enough) await sleep(2)
      child.kill('SIGKILL')
      if ((await ended) === 'SIGKILL') killed += 1
      const store = layoutRegistry(folder.path).repository('shared')
      for await (const tag of store.tags()) {
        const manifest = await store.manifest(tag)
        expect(manifest, tag).toBeDefined()
        for (const layer of manifest?.manifest && 'layers' in manifest.manifest
          ? manifest.manifest.layers
          : [])
          expect(await store.exists(layer), tag).toBe(true)
      }
    }
    expect(killed).toBeGreaterThan(0)
    await promisify(execFile)(process.execPath, [writer, folder.path, 'whole', '10'])
    const tags = await Array.fromAsync(layoutRegistry(folder.path).repository('shared').tags())
    expect(tags.filter((tag) => tag.startsWith('whole-'))).toHaveLength(10)
  })

  test('leftovers of killed writers go away when they are old', async () => {
    await using folder = await temporaryFolder()
    const layout = join(folder.path, 'one')
    await mkdir(layout, { recursive: true })
    const names = ['.slipway-partial-1-old', '.index.lock.old', '.slipway-partial-2-new', '.keep']
    for (const name of names) await writeFile(join(layout, name), '')
    const yesterday = new Date(Date.now() - 86_400_000)
    for (const name of names.filter((one) => !one.endsWith('new')))
      await utimes(join(layout, name), yesterday, yesterday)
    await pushBlob(layoutRegistry(folder.path).repository('one'), emptyConfig)
    const left = (await readdir(layout)).filter((name) => name.startsWith('.'))
    expect(left.sort()).toEqual(['.keep', '.slipway-partial-2-new'])
  })
})

describe('layouts that cannot be used', () => {
  test('damaged JSON is named with its file', async () => {
    await using folder = await temporaryFolder()
    const store = layoutRegistry(folder.path).repository('one')
    await store.tag(await artifact(store, 'layer'), [latest])
    const path = join(folder.path, 'one/index.json')
    for (const text of [
      '{"schemaVersion":2,"mani',
      '[]',
      '{"manifests":{}}',
      '{"manifests":[{"digest":"../../x"}]}',
    ]) {
      await writeFile(path, text)
      await expect(store.resolve(latest)).rejects.toMatchObject({
        code: 'LAYOUT_INVALID',
        message: expect.stringContaining(path),
      })
      await expect(artifact(store, 'another')).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
      expect(await readFile(path, 'utf8')).toBe(text)
    }
  })

  test('another layout version is refused before anything is written', async () => {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, 'one'))
    await writeFile(join(folder.path, 'one/oci-layout'), '{"imageLayoutVersion":"9.0.0"}')
    await expect(artifact(layoutRegistry(folder.path).repository('one'), 'layer')).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
    })
    expect(existsSync(join(folder.path, 'one/index.json'))).toBe(false)
  })

  test('a file where a folder should be is named', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'file')
    await writeFile(file, '')
    const store = layoutRegistry(file).repository('one')
    await expect(pushBlob(store, emptyConfig)).rejects.toMatchObject({
      code: 'LAYOUT_NOT_WRITABLE',
      hint: expect.stringContaining('folders only'),
    })
  })

  test.skipIf(process.getuid?.() === 0)(
    'a folder without the right to write is named (root may always)',
    async () => {
      await using folder = await temporaryFolder()
      await mkdir(join(folder.path, 'closed'), { mode: 0o555 })
      const store = layoutRegistry(join(folder.path, 'closed')).repository('one')
      await expect(pushBlob(store, emptyConfig)).rejects.toMatchObject({ code: 'LAYOUT_NOT_WRITABLE' })
    },
  )

  test('a blob that was damaged on disk is not handed out as whole', async () => {
    await using folder = await temporaryFolder()
    const store = layoutRegistry(folder.path).repository('one')
    const blob = blobOf('the right bytes')
    await pushBlob(store, blob)
    const path = join(folder.path, 'one/blobs', blob.descriptor.digest.replace(':', '/'))
    await writeFile(path, 'the wrong bytes')
    await expect(Array.fromAsync(store.fetch(blob.descriptor))).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
    await writeFile(path, 'cut')
    await expect(Array.fromAsync(store.fetch(blob.descriptor))).rejects.toMatchObject({
      code: 'SIZE_MISMATCH',
    })
    expect(await store.exists(blob.descriptor)).toBe(false)
    expect(await store.push(blob.descriptor, contentOf(blob.bytes))).toBe('uploaded')
    expect(Buffer.concat(await Array.fromAsync(store.fetch(blob.descriptor))).toString()).toBe(
      'the right bytes',
    )
  })

  test('links are not followed when repositories are searched', async () => {
    await using folder = await temporaryFolder()
    await artifact(layoutRegistry(join(folder.path, 'outside')).repository('one'), 'layer')
    await mkdir(join(folder.path, 'root'))
    await symlink(join(folder.path, 'outside'), join(folder.path, 'root/link'))
    expect(await Array.fromAsync(layoutRegistry(join(folder.path, 'root')).repositories())).toEqual([])
  })

  test('a tag whose manifest is gone resolves, but has no manifest', async () => {
    await using folder = await temporaryFolder()
    const store = layoutRegistry(folder.path).repository('one')
    const manifest = await artifact(store, 'layer')
    await store.tag(manifest, [latest])
    await rm(join(folder.path, 'one/blobs', manifest.descriptor.digest.replace(':', '/')))
    expect((await store.resolve(latest))?.digest).toBe(manifest.descriptor.digest)
    expect(await store.manifest(latest)).toBeUndefined()
    expect(await Array.fromAsync(store.referrers(manifestOf([]).descriptor))).toEqual([])
  })
})
