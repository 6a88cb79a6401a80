import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { descriptorOf } from '../../src/oci/descriptor.ts'
import { type Encoded, encode, type ImageManifest } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { parseTag, referrersTag } from '../../src/oci/reference.ts'
import { Opener } from '../../src/open/open.ts'
import { parseTarget } from '../../src/store/address.ts'
import type { Store } from '../../src/store/store.ts'
import { startFakeHarbor } from '../fake/harbor.ts'
import { type FakeOptions, startFakeRegistry } from '../fake/registry.ts'
import { artifact } from '../publishing/artifacts.ts'
import { slipway } from './terminal.ts'

const cwd = mkdtempSync(join(tmpdir(), 'slipway-cli-delete-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

async function start(options: FakeOptions = {}) {
  const fake = await startFakeRegistry(options)
  onTestFinished(() => fake[Symbol.asyncDispose]())
  const opener = new Opener({ environment: {}, userAgent: 'slipway-test' })
  onTestFinished(() => opener[Symbol.asyncDispose]())
  const store = (await opener.open(parseTarget(`oci://${fake.host}`))).repository('x/kubernetes')
  const place = `oci://${fake.host}/x/kubernetes`
  const run = (references: string, more = '') =>
    slipway(`delete ${references.replaceAll('~', place)} --retries 0 ${more}`.trim().split(' '), { cwd })
  const tags = () => [...(fake.repository('x/kubernetes')?.tags.keys() ?? [])].sort()
  const deletions = () => fake.log(/^DELETE/)
  return { fake, store, place, run, tags, deletions }
}

async function push(store: Store, name: string, ...tags: string[]): Promise<Encoded> {
  const encoded = await artifact(store, name)
  await store.tag(encoded, tags.map(parseTag))
  return encoded
}

async function sign(store: Store, subject: Encoded, name: string): Promise<Encoded> {
  const config = descriptorOf('application/vnd.slipway.manifest.v1+json', new TextEncoder().encode('{}'))
  const encoded = encode<ImageManifest>({
    schemaVersion: 2,
    mediaType: mediaType.manifest,
    artifactType: 'application/x.signature',
    config,
    layers: [],
    subject: subject.descriptor,
    annotations: { name },
  })
  await store.put(encoded)
  return encoded
}

describe('slipway delete', () => {
  it('prints what would go and sends no deletion without --yes, nor with --dry-run', async () => {
    const { store, run, deletions, place } = await start()
    await push(store, 'a', '1.0.0')
    for (const more of ['', '--yes --dry-run']) {
      const { exit, stdout } = await run('~:1.0.0', more)
      expect(exit).toBe(0)
      expect(stdout).toMatch(new RegExp(`^${place}\\n  would delete  1\\.0\\.0  sha256:`))
      expect(stdout).toContain('Nothing was deleted yet: add --yes.')
    }
    expect(deletions()).toEqual([])
  })

  it('deletes by digest, and says who frees the space', async () => {
    const { store, run, deletions, tags } = await start()
    const one = await push(store, 'a', '1.0.0')
    const { exit, stdout, stderr } = await run('~:1.0.0', '--yes')
    expect(exit, stderr).toBe(0)
    expect(stdout).toContain(`deleted  1.0.0  ${one.descriptor.digest}`)
    expect(stderr).toContain('registry garbage-collect')
    expect(deletions()).toHaveLength(1)
    expect(tags()).toEqual([])
  })

  it('deletes a manifest without a tag, which the registry lists nowhere', async () => {
    const { store, run, fake } = await start()
    await push(store, 'a', '1.0.0')
    const { descriptor } = await artifact(store, 'untagged')
    const signed = await artifact(store, 'untagged, but signed')
    await sign(store, signed, 'signature')
    const refused = await run(`~@${signed.descriptor.digest}`, '--yes')
    expect(refused.stderr).toMatch(/DELETE_REFUSED.*\n.*--referrers/)
    expect((await run(`~@${descriptor.digest}`, '--yes')).exit).toBe(0)
    expect(fake.repository('x/kubernetes')?.manifests.has(descriptor.digest)).toBe(false)
  })

  it('keeps the content of a tag that is not alone, or says that this registry cannot', async () => {
    const able = await start()
    await push(able.store, 'a', '1.0.0', '1')
    expect((await able.run('~:1', '--yes')).stdout).toContain('untagged  1')
    expect(able.tags()).toEqual(['1.0.0'])
    const unable = await start({ quirks: { deleteTag: 'refused' } })
    await push(unable.store, 'a', '1.0.0', '1')
    const { exit, stderr } = await unable.run('~:1', '--yes')
    expect(exit).toBe(3)
    expect(stderr).toMatch(/warning\[TAG_STAYS\].*:1 stays: .*tags cannot go alone/)
    expect(stderr).toContain('--with-tags')
    expect(unable.tags()).toEqual(['1', '1.0.0'])
    expect((await unable.run('~:1', '--yes --with-tags')).exit).toBe(0)
    expect(unable.tags()).toEqual([])
  })

  it('names every reason when it refuses', async () => {
    const { store, run, deletions } = await start()
    const one = await push(store, 'a', '1.0.0', '1')
    await sign(store, one, 'signature')
    const { exit, stdout } = await run(`~@${one.descriptor.digest}`, '--yes --json')
    expect(exit).toBe(3)
    const { error } = JSON.parse(stdout)
    expect(error).toMatchObject({ code: 'DELETE_REFUSED', exit: 3 })
    expect(error.message).toContain('also has the tags 1, 1.0.0 (--with-tags')
    expect(error.message).toContain('(--referrers')
    expect(deletions()).toEqual([])
  })

  it('says how to switch deleting on where it is off', async () => {
    const { store, run, tags } = await start({ quirks: { delete: false } })
    await push(store, 'a', '1.0.0')
    const { exit, stdout } = await run('~:1.0.0', '--yes')
    expect(exit).toBe(1)
    expect(stdout).toContain('error[DELETE_UNSUPPORTED]')
    expect(stdout).toContain('REGISTRY_STORAGE_DELETE_ENABLED=true')
    expect(tags()).toEqual(['1.0.0'])
  })

  it('goes through Harbor’s own API where it is told so', async () => {
    const harbor = await startFakeHarbor({ username: 'me', password: 'correct-horse', immutable: ['kept'] })
    onTestFinished(() => harbor[Symbol.asyncDispose]())
    await using opener = new Opener({ environment: {}, userAgent: 'slipway-test' })
    const store = (await opener.open(parseTarget(`oci://${harbor.host}`))).repository('x/kubernetes')
    await push(store, 'a', '1.0.0', '1')
    await push(store, 'b', '2.0.0', 'kept')
    const run = (references: string, more = '') =>
      slipway(
        `delete ${references.replaceAll('~', `oci://${harbor.host}/x/kubernetes`)} --yes --backend harbor --username me --password-stdin ${more}`
          .trim()
          .split(' '),
        { cwd, stdin: 'correct-horse' },
      )
    const tags = () => [...(harbor.registry.repository('x/kubernetes')?.tags.keys() ?? [])].sort()
    const done = await run('~:1')
    expect(done.exit, done.stderr).toBe(0)
    expect(tags()).toEqual(['1.0.0', '2.0.0', 'kept'])
    expect(harbor.registry.log(/^DELETE/)).toEqual([])
    const kept = await run('~:2.0.0', '--with-tags')
    expect(kept.exit).toBe(3)
    expect(kept.stderr).toMatch(/DELETE_REFUSED.*\n.*cannot go: .*kept/)
    expect(tags()).toEqual(['1.0.0', '2.0.0', 'kept'])
  })

  describe('without a referrers API', () => {
    const quirks = { referrers: 'no route', subjectHeader: false } as const

    it('deletes the list of referrers with what they refer to', async () => {
      const { store, run, fake, tags } = await start({ quirks })
      const one = await push(store, 'a', '1.0.0')
      await sign(store, one, 'signature')
      expect(tags()).toContain(referrersTag(one.descriptor.digest))
      expect((await run('~:1.0.0', '--yes')).exit).toBe(3)
      const { exit, stderr } = await run('~:1.0.0', '--yes --referrers')
      expect(exit, stderr).toBe(0)
      expect(tags()).toEqual([])
      expect(fake.repository('x/kubernetes')?.manifests.size).toBe(0)
    })

    it('takes a signature that is deleted alone from the list of the others', async () => {
      const { store, run, fake } = await start({ quirks })
      const one = await push(store, 'a', '1.0.0')
      const [gone, stays] = [await sign(store, one, 'gone'), await sign(store, one, 'stays')]
      const refused = await run(`~@${gone.descriptor.digest}`, '--yes')
      expect(refused.stderr).toContain('belongs to 1.0.0')
      expect(refused.stderr).not.toContain('is part of the index')
      expect((await run(`~@${gone.descriptor.digest}`, '--yes --force')).exit).toBe(0)
      const repository = fake.repository('x/kubernetes')
      const list = repository?.tags.get(referrersTag(one.descriptor.digest)) ?? ''
      const { manifests } = JSON.parse(String(repository?.manifests.get(list)?.bytes))
      expect(manifests.map((each: { digest: string }) => each.digest)).toEqual([stays.descriptor.digest])
    })
  })
})
