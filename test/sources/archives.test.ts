import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { LockedPackage } from '../../src/lockfile/lock.ts'
import { annotation } from '../../src/oci/annotations.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { archiveOf } from '../../src/sources/archives.ts'
import { parseTarget } from '../../src/store/address.ts'
import { writeTar } from '../../src/tarball/write.ts'
import { install } from '../../src/tasks/install.ts'
import { memoryTree } from '../../src/tree/memory.ts'
import { extensionId, kclId } from '../../src/version/package-id.ts'
import { serve } from '../http/servers.ts'
import { extension, type Project, project, write } from '../tasks/solving.ts'
import { type Published, published, publishedKcl, taskserv } from './published.ts'

async function archive(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const entries = await Array.fromAsync(memoryTree(files).files())
  return gzipSync(Buffer.concat(await Array.fromAsync(writeTar(entries, 0))))
}

/** etcd 3.5.16 as it is published, and what a lock says of it. */
async function etcd(one: Project, more: Partial<Published> = {}): Promise<LockedPackage> {
  const layer = await archive({ 'manifest.yaml': 'name: etcd\ntype: taskserv\nversion: 3.5.16\n' })
  return await one.run(async ({ open }) => {
    const target = parseTarget(`layout:${join(one.directory, '.slipway/registry')}`)
    const { descriptor } = await published(await open(target), {
      manifest: taskserv('etcd', '3.5.16'),
      repository: 'etcd',
      layer,
      ...more,
    })
    return {
      id: extensionId('etcd'),
      kind: 'taskserv',
      version: '3.5.16',
      source: 'layout:.slipway/registry#etcd',
      manifest: descriptor.digest,
      layer: digestOf(layer),
      dependencies: {},
      platforms: [],
    }
  })
}

/** Bytes of the archive that a lock names, read to the end. */
const opened = (one: Project, locked: LockedPackage) =>
  one.run(async (context) => {
    const options = { ...one.options(), signal: context.signal }
    return Buffer.concat(await Array.fromAsync((await archiveOf(locked, options, context)).open())).byteLength
  })

const edits: readonly (readonly [string, Partial<LockedPackage>, string])[] = [
  ['version', { version: '3.5.17' }, 'as the taskserv etcd 3.5.17'],
  ['name', { id: extensionId('etcd2') }, 'as the taskserv etcd2 3.5.16'],
  ['kind', { kind: 'provider' }, 'as the provider etcd 3.5.16'],
]

describe('the archive of a locked package', () => {
  it.each(['annotation', 'config'] as const)('is given out where its %s says the same', async (told) => {
    const one = project()
    expect(await opened(one, await etcd(one, { told }))).toBeGreaterThan(0)
  })

  it.each(edits)('is refused where another %s stands in the lock', async (_, edit, told) => {
    const one = project()
    for (const where of ['annotation', 'config'] as const) {
      const locked = { ...(await etcd(one, { told: where })), ...edit }
      await expect(opened(one, locked)).rejects.toMatchObject({
        code: 'LOCK_IDENTITY_MISMATCH',
        exit: 2,
        message: expect.stringContaining(told),
      })
    }
  })

  it('is refused where nothing says whose it is', async () => {
    const one = project()
    await expect(opened(one, await etcd(one, { told: 'nowhere' }))).rejects.toMatchObject({
      code: 'LOCK_IDENTITY_MISMATCH',
      message: expect.stringContaining('has no manifest of Slipway'),
    })
  })

  it('is held against kpm’s own annotations where it is a KCL package', async () => {
    const one = project()
    const locked = await one.run(async ({ open }): Promise<LockedPackage> => {
      const registry = await open(parseTarget(`layout:${join(one.directory, '.slipway/registry')}`))
      await publishedKcl(registry, 'net', '[package]\nname = "net"\nversion = "1.0.0"\n')
      const found = await registry.repository('net').manifest('1.0.0' as never)
      if (found === undefined || !('layers' in found.manifest)) throw new Error('not published')
      expect(found.manifest.annotations).toHaveProperty([annotation.kclVersion], '1.0.0')
      const layer = found.manifest.layers[0]?.digest ?? found.descriptor.digest
      const manifest = found.descriptor.digest
      const source = 'layout:.slipway/registry#net'
      return {
        id: kclId('net'),
        kind: 'kcl',
        version: '1.0.0',
        source,
        manifest,
        layer,
        dependencies: {},
        platforms: [],
      }
    })
    expect(await opened(one, locked)).toBeGreaterThan(0)
    for (const edit of [{ version: '1.0.1' }, { id: kclId('network') }])
      await expect(opened(one, { ...locked, ...edit })).rejects.toMatchObject({
        code: 'LOCK_IDENTITY_MISMATCH',
        message: expect.stringContaining('is the KCL package net 1.0.0'),
      })
  })

  it('is refused where a download holds another package', async () => {
    const one = project()
    const bytes = await archive({ 'manifest.yaml': 'name: etcd\ntype: taskserv\nversion: 3.5.16\n' })
    const { url } = await serve((_, response) => response.end(bytes))
    const locked: LockedPackage = {
      id: extensionId('etcd'),
      kind: 'taskserv',
      version: '3.5.16',
      source: `${url.href}etcd.tar.gz`,
      layer: digestOf(bytes),
      dependencies: {},
      platforms: [],
    }
    expect(await opened(one, locked)).toBe(bytes.byteLength)
    for (const edit of [{ version: '3.5.17' }, { kind: 'provider' }] as const)
      await expect(opened(one, { ...locked, ...edit })).rejects.toMatchObject({
        code: 'LOCK_IDENTITY_MISMATCH',
      })
  })
})

describe('a lock whose version was edited', () => {
  it('installs nothing at all, and keeps no package under that version', async () => {
    const one = project()
    await etcd(one)
    write(one.directory, extension('a', '1.0.0', { etcd: '^3.5' }))
    const options = one.options()
    await one.resolve()
    const path = join(one.directory, 'slipway.lock')
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.replaceAll('3.5.16', '3.5.17'))
    const root = join(one.directory, 'out')
    write(root, { '.keep': '' })
    const run = () =>
      one.run((context) =>
        install({ ...options, root, rollback: false, replace: false, dryRun: false }, context),
      )
    await expect(run()).rejects.toMatchObject({ code: 'LOCK_IDENTITY_MISMATCH' })
    for (const name of ['a', 'etcd'])
      expect(existsSync(join(root, `extensions/taskservs/${name}`))).toBe(false)
    const cached = existsSync(options.cacheDirectory)
      ? readdirSync(options.cacheDirectory, { recursive: true })
      : []
    expect(cached.filter((name) => String(name).includes('etcd/3.5.17/'))).toEqual([])
    writeFileSync(path, text)
    expect((await run()).installed).toMatchObject([{ id: 'etcd', version: '3.5.16' }, { id: 'a' }])
  })
})
