import { describe, expect, it } from 'vitest'
import { descriptorOf } from '../../src/oci/descriptor.ts'
import { type Encoded, encode } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { referrersTag } from '../../src/oci/reference.ts'
import type { Store } from '../../src/store/store.ts'
import { type Quirks, vendors } from '../fake/quirks.ts'
import { connect, manifestOf, publish, start, tag } from './client.ts'

function referrerTo(subject: Encoded, name: string, artifactType = 'application/x.signature'): Encoded {
  return manifestOf({ subject: subject.descriptor, artifactType, annotations: { name } })
}

const digests = async (store: Store, subject: Encoded, artifactType?: string) =>
  (
    await Array.fromAsync(
      store.referrers(subject.descriptor, artifactType === undefined ? {} : { artifactType }),
    )
  )
    .map((one) => one.digest)
    .sort()

const sorted = (...encoded: Encoded[]) => encoded.map((one) => one.descriptor.digest).sort()

const { immutable: _, ...mutableEcr } = vendors.ecr

const withApi: [string, Quirks][] = [
  ['plain', {}],
  ['Harbor', vendors.harbor],
  ['Quay, which does not announce it', vendors.quay],
  ['zot', vendors.zot],
  ['ggcr, which answers 404 until there is one', vendors.ggcr],
  ['one that pages', { referrersPage: 1 }],
  ['one that pages and filters', { referrersPage: 1, filtersApplied: true }],
]
const withoutApi: [string, Quirks][] = [
  ['distribution', vendors.distribution],
  ['ghcr.io, which redirects elsewhere', vendors.ghcr],
  ['ECR, which announces what it does not have', mutableEcr],
  ['Harbor before 2.8', vendors.oldHarbor],
  ['Artifact Registry', vendors.gar],
  ['Gitea', vendors.gitea],
]

describe.each([...withApi, ...withoutApi])('referrers on %s', (_, quirks) => {
  it('are listed once put returns, to others too', async () => {
    const { fake, registry } = await start({ quirks })
    const store = registry.repository('a')
    const subject = await publish(store, ['1.0.0'])
    expect(await digests(store, subject)).toEqual([])
    const one = referrerTo(subject, 'one')
    const two = referrerTo(subject, 'two', 'application/x.sbom')
    await store.put(one)
    expect(await digests(store, subject)).toEqual(sorted(one))
    await store.put(two)
    for (const reader of [store, connect(fake).repository('a')]) {
      expect(await digests(reader, subject)).toEqual(sorted(one, two))
      expect(await digests(reader, subject, 'application/x.sbom')).toEqual(sorted(two))
      expect(await digests(reader, subject, 'application/x.other')).toEqual([])
    }
    expect(await Array.fromAsync(store.tags())).toEqual(['1.0.0'])
  })
})

describe.each(withApi)('with a referrers API (%s)', (_, quirks) => {
  it('no fallback tag is written', async () => {
    const { fake, registry } = await start({ quirks })
    const store = registry.repository('a')
    const subject = await publish(store)
    await store.put(referrerTo(subject, 'one'))
    await store.put(referrerTo(subject, 'two'))
    expect([...(fake.repository('a')?.tags.keys() ?? [])]).toEqual([])
  })
})

describe('without a referrers API', () => {
  const quirks = vendors.distribution

  it('32 writers in one process lose nothing', async () => {
    const { registry } = await start({ quirks })
    const store = registry.repository('a')
    const subject = await publish(store)
    const all = Array.from({ length: 32 }, (_, at) => referrerTo(subject, String(at)))
    await Promise.all(all.map((one) => store.put(one)))
    expect(await digests(store, subject)).toEqual(sorted(...all))
  })

  it('writers of several processes repair what they overwrite', async () => {
    const { fake, registry } = await start({ quirks })
    const subject = await publish(registry.repository('a'))
    const all = Array.from({ length: 4 }, (_, at) => referrerTo(subject, String(at)))
    await Promise.all(all.map((one) => connect(fake).repository('a').put(one)))
    const listed = await digests(registry.repository('a'), subject)
    // The last writer's entry is certain; the others hold unless one was overwritten after its last look.
    expect(listed.length).toBeGreaterThan(0)
    for (const one of all) await connect(fake).repository('a').put(one)
    expect(await digests(registry.repository('a'), subject)).toEqual(sorted(...all))
  })

  it('puts back an entry that another writer dropped', async () => {
    const { fake, registry } = await start({ quirks })
    const store = registry.repository('a')
    const subject = await publish(store)
    const fallback = referrersTag(subject.descriptor.digest)
    const empty = encode({ schemaVersion: 2, mediaType: mediaType.index, manifests: [] })
    const one = referrerTo(subject, 'one')
    const putting = store.put(one)
    while (fake.repository('a')?.tags.get(fallback) === undefined)
      await new Promise((resolve) => setImmediate(resolve))
    fake.repository('a')?.manifests.set(empty.descriptor.digest, {
      type: mediaType.index,
      bytes: Buffer.from(empty.bytes),
    })
    fake.repository('a')?.tags.set(fallback, empty.descriptor.digest)
    await putting
    expect(await digests(store, subject)).toEqual(sorted(one))
  })

  it('the API is asked for once', async () => {
    const { fake, registry } = await start({ quirks })
    const store = registry.repository('a')
    const subject = await publish(store)
    for (let i = 0; i < 3; i++) await digests(store, subject)
    expect(fake.log(/referrers/)).toHaveLength(1)
  })

  it('entries of deleted manifests do not stand in the way', async () => {
    const { fake, registry } = await start({ quirks })
    const store = registry.repository('a')
    const subject = await publish(store)
    const one = referrerTo(subject, 'one')
    await store.put(one)
    fake.repository('a')?.manifests.delete(one.descriptor.digest)
    const two = referrerTo(subject, 'two')
    await store.put(two)
    expect(await digests(connect(fake).repository('a'), subject)).toEqual(sorted(two))
  })

  it('a type that an entry leaves out is read from its manifest', async () => {
    const { registry } = await start({ quirks })
    const store = registry.repository('a')
    const subject = await publish(store)
    const one = referrerTo(subject, 'one')
    await store.put(one)
    const index = encode({ schemaVersion: 2, mediaType: mediaType.index, manifests: [one.descriptor] })
    await store.tag(index, [referrersTag(subject.descriptor.digest)])
    expect(await digests(store, subject, 'application/x.signature')).toEqual(sorted(one))
    expect(await digests(store, subject, 'application/x.other')).toEqual([])
  })

  it('GitLab’s tag, which stands for the subject itself, is no list', async () => {
    const { registry } = await start({ quirks: vendors.gitlab })
    const store = registry.repository('a')
    const subject = await publish(store)
    expect(await digests(store, subject)).toEqual([])
    await expect(store.put(referrerTo(subject, 'one'))).rejects.toMatchObject({
      code: 'REFERRERS_UNSUPPORTED',
    })
  })

  it('an immutable fallback tag is named', async () => {
    const { registry } = await start({ quirks: { ...quirks, immutable: vendors.harbor.immutable } })
    const store = registry.repository('a')
    const subject = await publish(store)
    await store.put(referrerTo(subject, 'one'))
    await expect(store.put(referrerTo(subject, 'two'))).rejects.toMatchObject({
      code: 'TAG_IMMUTABLE',
      hint: expect.stringContaining('sha256-'),
    })
  })
})

describe('listing referrers', () => {
  it('fails when the registry fails, and does not look empty', async () => {
    const { fake, registry } = await start()
    const store = registry.repository('a')
    const subject = await publish(store)
    fake.fail({ path: /referrers/, status: 500, times: 10 })
    await expect(digests(store, subject)).rejects.toMatchObject({ status: 500 })
  })

  it('fails when a later page fails', async () => {
    const { fake, registry } = await start({ quirks: { referrersPage: 1 } })
    const store = registry.repository('a')
    const subject = await publish(store)
    await store.put(referrerTo(subject, 'one'))
    await store.put(referrerTo(subject, 'two'))
    fake.fail({ path: /start=/, status: 404 })
    await expect(digests(store, subject)).rejects.toMatchObject({ status: 404 })
  })

  it('refuses entries that are no descriptors', async () => {
    const { fake, registry } = await start()
    const headers = { 'content-type': mediaType.index }
    const body = '{"manifests":[{"digest":"../../etc"}]}'
    fake.fail({ path: /referrers/, status: 200, headers, body })
    await expect(digests(registry.repository('a'), manifestOf())).rejects.toMatchObject({
      code: 'DESCRIPTOR_INVALID',
    })
  })

  it('says that a registry refuses manifests with a subject', async () => {
    const { registry } = await start({ quirks: { refuseSubject: true } })
    const store = registry.repository('a')
    const subject = await publish(store)
    await expect(store.put(referrerTo(subject, 'one'))).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  it('lists what was put only under a tag', async () => {
    const { registry } = await start({ quirks: vendors.distribution })
    const store = registry.repository('a')
    const subject = await publish(store)
    const one = referrerTo(subject, 'one')
    await store.tag(one, [tag('signature')])
    expect(await digests(store, subject)).toEqual(sorted(one))
  })

  it('reads a page-less answer of a subject that is not there', async () => {
    const { registry } = await start()
    const subject = descriptorOf(mediaType.manifest, Buffer.from('{}'))
    expect(await Array.fromAsync(registry.repository('new').referrers(subject))).toEqual([])
  })
})
