import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readRetentionYaml } from '../../src/config/retention-yaml.ts'
import { SlipwayError } from '../../src/core/error.ts'
import { silent } from '../../src/core/report.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import type { Digest } from '../../src/oci/digest.ts'
import { type Encoded, encode } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { parseTarget, showPlace } from '../../src/store/address.ts'
import type { Inventory } from '../../src/store/inventory.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import type { Registry } from '../../src/store/store.ts'
import { cleanup } from '../../src/tasks/cleanup.ts'
import { artifact } from '../publishing/artifacts.ts'

const day = 86_400_000
let folder: string
let time: number
let registry: Registry

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-cleanup-'))
  time = Date.parse('2026-01-01T00:00:00Z')
  registry = memoryRegistry('host.example', () => time)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const store = () => registry.repository('x/a')
const there = async (digest: Digest) => (await store().resolve(digest)) !== undefined

async function index(tag: string | undefined, manifests: readonly Descriptor[]): Promise<Encoded> {
  const made = encode({ schemaVersion: 2 as const, mediaType: mediaType.index, manifests: [...manifests] })
  if (tag === undefined) await store().put(made)
  else await store().tag(made, [parseTag(tag)])
  return made
}

async function signature(subject: Encoded, text: string): Promise<Encoded> {
  const { manifest } = await artifact(store(), text)
  const made = encode({ ...manifest, subject: subject.descriptor })
  await store().put(made)
  return made
}

/** @param changed what deleting does instead; it may call the real one */
function run(
  changed: (real: Inventory) => Partial<Inventory> = () => ({}),
  archiving: () => Promise<unknown> = async () => {},
) {
  const real = registry.inventory?.('x/a') as Inventory
  const given: Registry = { ...registry, inventory: () => ({ ...real, ...changed(real) }) }
  return cleanup(
    {
      apply: true,
      retention: readRetentionYaml(
        "version: 1\nsource: oci://host.example\ndefaults: false\ncaps: {share: 100}\npolicies: [{name: all, repositories: ['**'], keep: {newest: 1}}]\n",
        'retention.yaml',
        folder,
      ),
      restoreFile: join(folder, 'restore.json'),
      archive: parseTarget('archive:/gone.tar'),
      layouts: defaultLayouts,
      concurrency: 4,
    },
    {
      clock: { now: () => time, random: () => 0.5, sleep: async () => {} },
      report: silent,
      signal: new AbortController().signal,
      environment: {},
      open: async (place) => {
        if (showPlace(place).startsWith('oci:')) return given
        await archiving()
        return memoryRegistry('archive')
      },
      transport: () => Promise.reject(new Error('nothing is downloaded here')),
      scratch: () => Promise.reject(new Error('nothing needs a scratch folder here')),
    },
  )
}

describe('a release during a cleanup', () => {
  let platforms: readonly Descriptor[]

  beforeEach(async () => {
    platforms = [(await artifact(store(), 'amd64')).descriptor, (await artifact(store(), 'arm64')).descriptor]
    await index('1.0.0', platforms)
    await store().tag(await artifact(store(), 'new'), [parseTag('2.0.0')])
    time += 100 * day
  })

  const release = {
    'under a tag': () => index('2.0.1', platforms.slice(1)),
    'within an index of its own': async () =>
      index('2.0.1', [(await index(undefined, platforms)).descriptor]),
    'that has no tag yet': () => index(undefined, platforms.slice(1)),
    'as a signature of what goes': async () => {
      const found = await store().manifest(parseTag('1.0.0'))
      const tag = `${found?.descriptor.digest.replace(':', '-')}.sig`
      await store().tag(await artifact(store(), 'signed'), [parseTag(tag)])
    },
  }
  for (const [how, come] of Object.entries(release))
    it(`stops it before anything goes that the release needs, ${how}`, async () => {
      const { exit, applied } = await run(undefined, async () => {
        await come()
        time += 11_000
      })
      expect(exit).toBe(3)
      expect(applied?.[0]).toMatchObject({ deleted: [], error: { code: 'INVENTORY_CHANGED' } })
      for (const { digest } of platforms) expect(await there(digest)).toBe(true)
    })

  it('stops it in the middle, too', async () => {
    const { applied } = await run((real) => ({
      async delete(digest, tags, call) {
        const done = await real.delete(digest, tags, call)
        if (tags.includes(parseTag('1.0.0'))) await index('2.0.1', platforms)
        time += 6000
        return done
      },
    }))
    expect(applied?.[0]?.error?.code).toBe('INVENTORY_CHANGED')
    expect(applied?.[0]?.deleted).toHaveLength(2)
  })

  it('is no matter where it needs nothing that goes', async () => {
    const { exit } = await run(undefined, async () => {
      await store().tag(await artifact(store(), 'other'), [parseTag('2.0.1')])
      time += 11_000
    })
    expect(exit).toBe(0)
    for (const { digest } of platforms) expect(await there(digest)).toBe(false)
  })
})

describe('what a registry does not let go', () => {
  const refusing = (kept: Digest) => (real: Inventory) => ({
    async delete(...[digest, tags, call]: Parameters<Inventory['delete']>) {
      if (digest === kept) throw new SlipwayError('UNDELETABLE', 'more than 5000 downloads')
      return await real.delete(digest, tags, call)
    },
  })

  it('gets the signatures back that went before it, and nothing else comes back', async () => {
    const image = await artifact(store(), 'popular')
    await store().tag(image, [parseTag('1.0.0')])
    const other = await artifact(store(), 'other')
    await store().tag(other, [parseTag('1.1.0')])
    const signatures = [await signature(image, 'one'), await signature(other, 'two')]
    const countersigned = await signature(signatures[0] as Encoded, 'three')
    const sbom = await artifact(store(), 'sbom')
    const tag = parseTag(`${image.descriptor.digest.replace(':', '-')}.sbom`)
    await store().tag(sbom, [tag])
    await store().tag(await artifact(store(), 'new'), [parseTag('2.0.0')])
    time += 100 * day
    const { exit, applied } = await run(refusing(image.descriptor.digest))
    expect(exit).toBe(0)
    for (const one of [image, signatures[0] as Encoded, countersigned])
      expect(await there(one.descriptor.digest)).toBe(true)
    expect((await store().resolve(tag))?.digest).toBe(sbom.descriptor.digest)
    expect(await Array.fromAsync(store().referrers(image.descriptor))).toHaveLength(1)
    const gone = [other, signatures[1] as Encoded].map(({ descriptor }) => descriptor.digest)
    for (const digest of gone) expect(await there(digest)).toBe(false)
    const told = applied?.[0]?.deleted.map(({ digest }) => digest) ?? []
    expect(told).toEqual(expect.arrayContaining(gone))
    for (const digest of told) expect(await there(digest)).toBe(false)
    expect(applied?.[0]).toMatchObject({ incomplete: [], stays: [{ tag: '1.0.0' }] })
  })
})
