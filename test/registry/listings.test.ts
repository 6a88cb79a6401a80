import { describe, expect, it } from 'vitest'
import type { Registry } from '../../src/store/store.ts'
import { type Quirks, vendors } from '../fake/quirks.ts'
import type { FakeRegistry } from '../fake/registry.ts'
import { sha256 } from '../fake/state.ts'
import { connect, rejection, start } from './client.ts'

/** Tags without going over the wire. */
function fill(fake: FakeRegistry, count: number, repository = 'a'): string[] {
  const bytes = Buffer.from('{}')
  const digest = sha256(bytes)
  const store = fake.state.repository(repository)
  store.manifests.set(digest, { type: 'application/vnd.oci.image.manifest.v1+json', bytes })
  const tags = Array.from({ length: count }, (_, at) => `1.0.${String(at).padStart(6, '0')}`)
  for (const tag of tags) store.tags.set(tag, digest)
  return tags
}

const tagsOf = (registry: Registry) => Array.fromAsync(registry.repository('a').tags())

describe('tags', () => {
  it.each([
    ['all at once', {}, 1],
    ['page by page', { tagPage: 7 }, 18],
    ['page by page with relative links (Quay)', vendors.quay, 3],
    ['without links, by the last entry (Gitea)', vendors.gitea, 3],
    ['where n may not exceed a limit (ECR)', vendors.ecr, 2],
    ['beside null entries (Nexus)', vendors.nexus, 1],
    ['beside digests (Artifactory)', vendors.artifactory, 1],
  ] satisfies [string, Quirks, number][])('are complete: %s', async (_, quirks, requests) => {
    const { fake, registry } = await start({ quirks })
    const expected = fill(fake, 120)
    expect(await tagsOf(registry)).toEqual(expected)
    expect(fake.log()).toHaveLength(requests)
    expect(fake.log()[0]).toBe('GET /v2/a/tags/list')
  })

  it.each([
    ['does not page at all', { noPaging: true }],
    ['refuses large pages', { tagPage: 2000, largestN: 1000, link: 'none' as const }],
    ['ends exactly with a page', { tagPage: 50, link: 'none' as const }],
  ] satisfies [string, Quirks][])('are complete where the registry %s', async (_, quirks) => {
    const { fake, registry } = await start({ quirks })
    const expected = fill(fake, 3000)
    expect(await tagsOf(registry)).toEqual(expected)
  })

  it('end where a registry always has more', async () => {
    const { fake, registry } = await start()
    let next = 0
    const page = () =>
      JSON.stringify({ name: 'a', tags: Array.from({ length: 128 * 2000 }, () => `t${next++}`) })
    for (let at = 0; at < 8; at += 1) fake.fail({ path: /tags/, status: 200, body: page(), times: 1 })
    expect(await rejection(tagsOf(registry))).toMatchObject({ code: 'LISTING_INVALID' })
    expect(fake.log()).toHaveLength(4)
  })

  it('are none where the registry knows no such repository', async () => {
    const { registry } = await start()
    expect(await tagsOf(registry)).toEqual([])
  })

  it('fail where something that is no registry answers 404', async () => {
    const { fake, registry } = await start()
    fake.fail({ path: /tags/, status: 404, body: '<html>not found</html>' })
    await expect(tagsOf(registry)).rejects.toMatchObject({ code: 'REGISTRY_ERROR', status: 404 })
  })

  it.each([
    ['500', { status: 500, times: 10 }],
    ['something else than JSON', { status: 200, body: 'hello' }],
    ['no list', { status: 200, body: '{"errors":[]}' }],
    ['a list', { status: 200, body: '[]' }],
    ['half an answer', { truncate: 10, times: 10 }],
  ])('fail when a page is %s', async (_, fault) => {
    const { fake, registry } = await start({ quirks: { tagPage: 10 } })
    fill(fake, 30)
    fake.fail({ path: /tags/, after: 1, ...fault })
    expect(await rejection(tagsOf(registry))).toHaveProperty('code')
  })

  it('fail when pages lead back to each other', async () => {
    const { fake, registry } = await start()
    const link = '</v2/a/tags/list?last=x>; rel="next"'
    const body = '{"name":"a","tags":["x"]}'
    fake.fail({ path: /tags/, status: 200, headers: { link }, body, times: 100 })
    await expect(tagsOf(registry)).rejects.toMatchObject({ code: 'LISTING_INVALID' })
    expect(fake.requests.length).toBeLessThan(4)
  })

  it('never follow a page to another host', async () => {
    const { fake, registry } = await start()
    const link = '<http://elsewhere.invalid/v2/a/tags/list?last=x>; rel="next"'
    fake.fail({ path: /tags/, status: 200, headers: { link }, body: '{"name":"a","tags":["x"]}' })
    await expect(tagsOf(registry)).rejects.toMatchObject({
      code: 'LISTING_INVALID',
      message: expect.stringContaining('elsewhere.invalid'),
    })
  })

  it('say which host, and that no credential was sent, when they are forbidden', async () => {
    const { fake, registry } = await start({ auth: { kind: 'basic', username: 'u', password: 'p' } })
    await expect(tagsOf(registry)).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringContaining(fake.host),
    })
  })

  it('say which credential was not enough', async () => {
    const credential = { kind: 'basic', username: 'u', password: 'p', source: 'config.json' } as const
    const { fake, registry } = await start(
      { auth: { kind: 'basic', username: 'u', password: 'p', denied: ['a'] } },
      { credential },
    )
    fill(fake, 1, 'b')
    expect(await Array.fromAsync(registry.repository('b').tags())).toHaveLength(1)
    const error = await rejection(tagsOf(registry))
    expect(error).toMatchObject({ code: 'DENIED', message: expect.stringContaining('config.json') })
  })
})

describe('repositories', () => {
  it.each([{}, { tagPage: 2 }, { tagPage: 2, link: 'relative' }] satisfies Quirks[])(
    'are listed to the end (%o)',
    async (quirks) => {
      const { fake, registry } = await start({ quirks })
      for (const name of ['a', 'b/c', 'd', 'e', 'f/g/h']) fill(fake, 1, name)
      expect(await Array.fromAsync(registry.repositories())).toEqual(['a', 'b/c', 'd', 'e', 'f/g/h'])
    },
  )

  it('are named without the prefix', async () => {
    const { fake } = await start()
    for (const name of ['a', 'team/b', 'team/c/d', 'teamwork']) fill(fake, 1, name)
    const registry = connect(fake, undefined, { prefix: 'team' })
    expect(await Array.fromAsync(registry.repositories())).toEqual(['b', 'c/d'])
    expect(registry.repository('b').name).toBe(`${fake.host}/team/b`)
    expect(await Array.fromAsync(registry.repository('b').tags())).toHaveLength(1)
  })

  it.each([
    ['ghcr.io', vendors.ghcr],
    ['a registry that says so', { catalog: { status: 400, code: 'UNSUPPORTED' } }],
  ] satisfies [string, Quirks][])('are UNSUPPORTED where there is no catalog: %s', async (_, quirks) => {
    const { registry } = await start({ quirks })
    await expect(Array.fromAsync(registry.repositories())).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  it('are forbidden, not unsupported, where a right is missing', async () => {
    const { registry } = await start({ quirks: { catalog: { status: 403, code: 'DENIED' } } })
    await expect(Array.fromAsync(registry.repositories())).rejects.toMatchObject({ code: 'DENIED' })
  })
})
