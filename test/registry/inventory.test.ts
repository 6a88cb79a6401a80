import { describe, expect, it, onTestFinished } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import { createTransport } from '../../src/http/client.ts'
import { descriptorOf } from '../../src/oci/descriptor.ts'
import type { Digest } from '../../src/oci/digest.ts'
import { type Encoded, encode } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { parseTag, type Tag } from '../../src/oci/reference.ts'
import { createAuth } from '../../src/registry/auth.ts'
import type { Credential } from '../../src/registry/credential.ts'
import { openRegistry, type RegistryOptions } from '../../src/registry/registry.ts'
import { type Inventory, untaggedType } from '../../src/store/inventory.ts'
import { contentOf, type Registry } from '../../src/store/store.ts'
import { type FakeGithubOptions, startFakeGithub } from '../fake/github.ts'
import { startFakeHarbor } from '../fake/harbor.ts'
import { emptyConfig, manifestOf, quick, start } from './client.ts'

const tag = (text: string): Tag => parseTag(text)
const image = (name: string): Encoded => manifestOf({ annotations: { name } })

async function push(
  registry: Registry,
  repository: string,
  manifest: Encoded,
  ...tags: string[]
): Promise<Digest> {
  const store = registry.repository(repository)
  await store.push(descriptorOf(mediaType.empty, emptyConfig), contentOf(emptyConfig))
  await store.put(manifest)
  await store.tag(manifest, tags.map(tag))
  return manifest.descriptor.digest
}

const of = (registry: Registry, repository: string): Inventory =>
  registry.inventory?.(repository) as Inventory

async function listed(inventory: Inventory): Promise<Record<string, readonly string[]>> {
  const found = await Array.fromAsync(inventory.entries())
  return Object.fromEntries(found.map(({ digest, tags }) => [digest, [...tags].sort()]))
}

const code = (expected: string) => expect.objectContaining({ code: expected })

/** A clock that never waits and counts what it was asked for. */
function patientClock(): Clock & { waited: number } {
  let time = Date.parse('2026-01-01T00:00:00Z')
  return {
    waited: 0,
    now: () => time,
    random: () => 0.5,
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      time += ms
      this.waited += ms
    },
  }
}

describe('the inventory of any registry', () => {
  it('lists digests with all their tags, also those that stand in for referrers', async () => {
    const { registry } = await start()
    const one = await push(registry, 'a/b', image('one'), '1.0.0', 'latest', `sha256-${'a'.repeat(64)}`)
    await push(registry, 'a/b', image('untagged'))
    expect(await listed(of(registry, 'a/b'))).toEqual({
      [one]: ['1.0.0', 'latest', `sha256-${'a'.repeat(64)}`],
    })
    expect(of(registry, 'a/b').can).toMatchObject({ untag: 'perhaps', listUntagged: false, pushedAt: false })
    expect(await listed(of(registry, 'a/none'))).toEqual({})
  })

  it('refuses to list half of a damaged repository', async () => {
    const { fake, registry } = await start()
    const one = await push(registry, 'a/b', image('one'), '1.0.0')
    await push(registry, 'a/b', image('two'), '2.0.0')
    fake.repository('a/b')?.manifests.delete(one)
    await expect(listed(of(registry, 'a/b'))).rejects.toEqual(code('MANIFEST_UNKNOWN'))
  })

  it('deletes a digest with its tags, and nothing when they are others than was expected', async () => {
    const { fake, registry } = await start()
    const one = await push(registry, 'a/b', image('one'), '1.0.0', '1.0')
    const two = await push(registry, 'a/b', image('two'), '2.0.0')
    const inventory = of(registry, 'a/b')
    await expect(inventory.delete(one, [tag('1.0.0')])).rejects.toEqual(code('INVENTORY_CHANGED'))
    expect(fake.repository('a/b')?.manifests.has(one)).toBe(true)
    await inventory.delete(one, [tag('1.0.0'), tag('1.0')])
    expect(await listed(inventory)).toEqual({ [two]: ['2.0.0'] })
    // Gone already is as good as deleted.
    expect(await inventory.delete(one, [])).toEqual({})
  })

  it('reads a tag again before it deletes what it pointed at a moment ago', async () => {
    const { registry } = await start()
    const one = await push(registry, 'a/b', image('one'), '1.0.0')
    const inventory = of(registry, 'a/b')
    await listed(inventory)
    await push(registry, 'a/b', image('two'), '1.0.0')
    await expect(inventory.delete(one, [tag('1.0.0')])).rejects.toEqual(code('INVENTORY_CHANGED'))
    expect(await registry.repository('a/b').resolve(one)).toBeDefined()
  })

  it('takes a tag away where the registry can, and says where it cannot', async () => {
    const { registry } = await start()
    const one = await push(registry, 'a/b', image('one'), '1.0.0', '1.0')
    const inventory = of(registry, 'a/b')
    await expect(inventory.untag(tag('1.0'), image('other').descriptor.digest)).rejects.toEqual(
      code('INVENTORY_CHANGED'),
    )
    await inventory.untag(tag('1.0'), one)
    expect(await listed(inventory)).toEqual({ [one]: ['1.0.0'] })

    const old = await start({ quirks: { deleteTag: 'refused' } })
    const two = await push(old.registry, 'a/b', image('two'), '1.0.0', '1.0')
    await expect(of(old.registry, 'a/b').untag(tag('1.0'), two)).rejects.toEqual(code('UNTAG_UNSUPPORTED'))
    expect(await listed(of(old.registry, 'a/b'))).toEqual({ [two]: ['1.0', '1.0.0'] })
  })

  it('takes a tag that is gone at the second attempt for taken away', async () => {
    const { fake, registry } = await start()
    const one = await push(registry, 'a/b', image('one'), '1.0.0', '1.0')
    fake.fail({ method: 'DELETE', loseAnswer: true })
    await of(registry, 'a/b').untag(tag('1.0'), one)
    expect(await listed(of(registry, 'a/b'))).toEqual({ [one]: ['1.0.0'] })
  })

  it('says that deleting is switched off', async () => {
    const { registry } = await start({ quirks: { delete: false } })
    const one = await push(registry, 'a/b', image('one'), '1.0.0')
    await expect(of(registry, 'a/b').delete(one, [tag('1.0.0')])).rejects.toEqual(code('DELETE_UNSUPPORTED'))
  })

  it('asks for the right to delete, once for all deletions', async () => {
    const credential: Credential = { kind: 'basic', username: 'me', password: 'secret', source: 'test' }
    const { fake, registry } = await start(
      { auth: { kind: 'bearer', username: 'me', password: 'secret' } },
      { credential },
    )
    const digests = []
    for (const name of ['1.0.0', '1.1.0', '1.2.0', '1.3.0'])
      digests.push([name, await push(registry, 'a/b', image(name), name)] as const)
    const inventory = of(registry, 'a/b')
    await listed(inventory)
    fake.clearLog()
    for (const [name, digest] of digests) await inventory.delete(digest, [tag(name)])
    expect(fake.log(/^DELETE/)).toHaveLength(4)
    expect(fake.requests.filter(({ path }) => path.includes('/token'))).toHaveLength(1)
  })

  it('tells a login that ended in the middle by its name, with what was not deleted still there', async () => {
    const credential: Credential = { kind: 'basic', username: 'me', password: 'secret', source: 'test' }
    const { fake, registry } = await start(
      { auth: { kind: 'bearer', username: 'me', password: 'secret' } },
      { credential },
    )
    const one = await push(registry, 'a/b', image('one'), '1.0.0')
    const inventory = of(registry, 'a/b')
    await listed(inventory)
    fake.expireTokens()
    fake.fail({ path: /^\/token/, status: 401, times: 100 })
    await expect(inventory.delete(one, [tag('1.0.0')])).rejects.toEqual(code('UNAUTHORIZED'))
    expect(fake.repository('a/b')?.tags.get('1.0.0')).toBe(one)
  })

  it('of an unknown host with the backend ghcr wants to know where its API is, over TLS', () => {
    const none = { backend: 'ghcr' } as const
    expect(() => connectTo('example.org', none).inventory?.('a/b')).toThrow(code('BACKEND_INVALID'))
    const plain = { backend: 'ghcr', api: 'http://example.org/api' } as const
    expect(() => connectTo('example.org', plain).inventory?.('a/b')).toThrow(code('BACKEND_INVALID'))
    expect(connectTo('ghcr.io', {}).inventory?.('a/b').can.restoreDays).toBe(30)
    // A slipway.yaml of whoever must not say where the token of ghcr.io goes.
    const led = { api: 'https://api.example.org' } as const
    expect(() => connectTo('ghcr.io', led).inventory?.('a/b')).toThrow(code('BACKEND_INVALID'))
    const own = { backend: 'ghcr', api: 'https://api.example.org' } as const
    expect(connectTo('example.org', own).inventory?.('a/b').can.restoreDays).toBe(30)
    expect(connectTo('example.org', { backend: 'zot' }).inventory?.('a/b').can.untag).toBe(true)
  })
})

/** What was sent where: nothing but hosts and headers of this process. */
function connectTo(host: string, options: Partial<RegistryOptions> & { credential?: Credential }): Registry {
  const { credential, ...rest } = options
  const transport = createTransport({
    limits: quick,
    environment: {},
    userAgent: 'test',
    ...(rest.clock && { clock: rest.clock }),
  })
  const auth = createAuth({
    transport,
    credentials: { for: async (asked) => (asked === host ? credential : undefined) },
  })
  const registry = openRegistry({
    host,
    plainHttp: true,
    auth,
    limits: { ...quick, deadline: 600_000 },
    ...rest,
  })
  onTestFinished(async () => {
    await registry[Symbol.asyncDispose]()
    await transport[Symbol.asyncDispose]()
  })
  return registry
}

describe('the inventory of ghcr.io', () => {
  const token = 'a-token-of-github'
  async function github(options: FakeGithubOptions = {}, given = token) {
    const fake = await startFakeGithub({ token, ...options })
    onTestFinished(() => fake[Symbol.asyncDispose]())
    const clock = patientClock()
    const registry = connectTo(fake.registry.host, {
      backend: 'ghcr',
      api: fake.api,
      clock,
      credential: { kind: 'basic', username: 'me', password: given, source: 'test' },
    })
    return { fake, registry, clock }
  }

  it('lists every version over all pages, of a user and of an organisation', async () => {
    for (const organisations of [[], ['example']]) {
      const { registry, fake } = await github({ organisations, pageSize: 2 })
      const digests = []
      for (const name of ['1.0.0', '1.1.0', '1.2.0'])
        digests.push(await push(registry, 'example/tools/kubernetes', image(name), name))
      const bare = await push(registry, 'example/tools/kubernetes', image('bare'))
      const found = await Array.fromAsync(of(registry, 'example/tools/kubernetes').entries())
      expect(found.map(({ digest }) => digest)).toEqual([...digests, bare])
      expect(found.every(({ pushedAt }) => pushedAt instanceof Date)).toBe(true)
      const kind = organisations.length > 0 ? 'orgs' : 'users'
      expect(fake.requests).toContain(
        `GET /${kind}/example/packages/container/tools%2Fkubernetes/versions?per_page=100&state=active`,
      )
    }
  })

  it('sends the token to the API alone and keeps it from the registry that does not ask', async () => {
    const { registry, fake } = await github()
    await push(registry, 'example/a', image('one'), '1.0.0')
    await listed(of(registry, 'example/a'))
    expect([...fake.authorizations]).toEqual([`Bearer ${token}`])
    expect(fake.registry.requests.map(({ headers }) => headers.authorization)).not.toContain(
      `Bearer ${token}`,
    )
  })

  it('does not follow the API to another host', async () => {
    const { registry, fake } = await github()
    await push(registry, 'example/a', image('one'), '1.0.0')
    fake.fail(/versions/, 200, { link: '<https://elsewhere.example.org/2>; rel="next"' }, [])
    await expect(listed(of(registry, 'example/a'))).rejects.toEqual(code('LISTING_INVALID'))
  })

  it('deletes a version, and tells how to have it back', async () => {
    const { registry } = await github()
    const one = await push(registry, 'example/a', image('one'), '1.0.0')
    const two = await push(registry, 'example/a', image('two'), '2.0.0')
    const inventory = of(registry, 'example/a')
    await expect(inventory.delete(one, [])).rejects.toEqual(code('INVENTORY_CHANGED'))
    const { restore } = await inventory.delete(one, [tag('1.0.0')])
    expect(restore).toMatch(
      /^gh api --method POST \/users\/example\/packages\/container\/a\/versions\/\d+\/restore$/,
    )
    expect(await listed(inventory)).toEqual({ [two]: ['2.0.0'] })
    expect(await inventory.delete(one, [])).toEqual({})
  })

  it('takes a tag away by emptying it, and leaves nothing of that behind', async () => {
    const { registry, fake } = await github()
    const one = await push(registry, 'example/a', image('one'), '1.0.0', '1.0')
    await of(registry, 'example/a').untag(tag('1.0'), one)
    expect(await listed(of(registry, 'example/a'))).toEqual({ [one]: ['1.0.0'] })
    expect(fake.registry.repository('example/a')?.manifests.size).toBe(1)
  })

  it('leaves something that the next run knows when it is broken off in between', async () => {
    const { registry, fake } = await github()
    const one = await push(registry, 'example/a', image('one'), '1.0.0', '1.0')
    fake.fail(/^DELETE/, 500, {}, { message: 'down' }, 100)
    await expect(of(registry, 'example/a').untag(tag('1.0'), one)).rejects.toThrow()
    const left = await registry.repository('example/a').manifest(tag('1.0'))
    expect(left?.manifest.artifactType).toBe(untaggedType)
    expect(await registry.repository('example/a').resolve(one)).toBeDefined()
  })

  it('says what GitHub never lets go', async () => {
    const { registry } = await github({ popular: [image('one').descriptor.digest] })
    const one = await push(registry, 'example/a', image('one'), '1.0.0')
    await push(registry, 'example/a', image('two'), '2.0.0')
    await expect(of(registry, 'example/a').delete(one, [tag('1.0.0')])).rejects.toEqual(code('UNDELETABLE'))
  })

  it('waits for the hour to end where the limit is used up, and no longer than the deadline', async () => {
    const { registry, fake, clock } = await github()
    await push(registry, 'example/a', image('one'), '1.0.0')
    const inSeconds = (seconds: number) => String(Math.floor(clock.now() / 1000) + seconds)
    fake.fail(/versions/, 403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inSeconds(90) })
    await listed(of(registry, 'example/a'))
    expect(clock.waited).toBeGreaterThan(89_000)
    fake.fail(/versions/, 403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inSeconds(3000) })
    await expect(listed(of(registry, 'example/a'))).rejects.toEqual(code('TOO_MANY_REQUESTS'))
  })

  it('keeps its deletions a third of a second apart', async () => {
    const { registry, clock } = await github()
    const digests = []
    for (const name of ['1.0.0', '1.1.0', '1.2.0', '1.3.0'])
      digests.push(await push(registry, 'example/a', image(name), name))
    const inventory = of(registry, 'example/a')
    await listed(inventory)
    const before = clock.waited
    for (const [at, name] of ['1.0.0', '1.1.0', '1.2.0'].entries())
      await inventory.delete(digests[at] as Digest, [tag(name)])
    expect(clock.waited - before).toBeGreaterThanOrEqual(2 * 330)
  })

  it('names the rights that are missing', async () => {
    const { registry, fake } = await github({}, 'another-token')
    await expect(listed(of(registry, 'example/a'))).rejects.toEqual(
      expect.objectContaining({ code: 'UNAUTHORIZED', hint: expect.stringContaining('role Admin') }),
    )
    expect(fake.requests).toHaveLength(1)
  })
})

describe('the inventory of Harbor', () => {
  const login = { username: 'robot$cleaner', password: 'secret' }
  async function harbor(immutable: string[] = []) {
    const fake = await startFakeHarbor({ ...login, immutable })
    onTestFinished(() => fake[Symbol.asyncDispose]())
    const credential: Credential = { kind: 'basic', ...login, source: 'test' }
    return { fake, registry: connectTo(fake.host, { backend: 'harbor', credential }) }
  }

  it('lists tagged and untagged artifacts with their times, over all pages', async () => {
    const { registry, fake } = await harbor()
    for (let at = 0; at < 150; at++)
      await push(registry, 'project/tools/kubernetes', image(`${at}`), `1.${at}.0`)
    const bare = await push(registry, 'project/tools/kubernetes', image('bare'))
    fake.date(bare, new Date('2025-01-02T03:04:05Z'), new Date('2025-02-03T04:05:06Z'))
    const found = await Array.fromAsync(of(registry, 'project/tools/kubernetes').entries())
    expect(found).toHaveLength(151)
    expect(found.at(-1)).toEqual({
      digest: bare,
      tags: [],
      pushedAt: new Date('2025-01-02T03:04:05Z'),
      pulledAt: new Date('2025-02-03T04:05:06Z'),
    })
    // Never pulled is no time.
    expect(found[0]).not.toHaveProperty('pulledAt')
    expect(fake.requests[0]).toMatch('/projects/project/repositories/tools%252Fkubernetes/artifacts?page=1')
  }, 30_000)

  it('does not take a list for complete that is shorter than the registry says', async () => {
    const { registry, fake } = await harbor()
    await push(registry, 'project/a', image('one'), '1.0.0')
    fake.dropFirst = true
    await expect(listed(of(registry, 'project/a'))).rejects.toEqual(code('LISTING_INVALID'))
  })

  it('takes tags away alone, and deletes', async () => {
    const { registry } = await harbor()
    const one = await push(registry, 'project/a', image('one'), '1.0.0', '1.0')
    const inventory = of(registry, 'project/a')
    await expect(inventory.untag(tag('1.0'), image('x').descriptor.digest)).rejects.toEqual(
      code('INVENTORY_CHANGED'),
    )
    await inventory.untag(tag('1.0'), one)
    expect(await listed(inventory)).toEqual({ [one]: ['1.0.0'] })
    await expect(inventory.delete(one, [])).rejects.toEqual(code('INVENTORY_CHANGED'))
    await inventory.delete(one, [tag('1.0.0')])
    expect(await listed(inventory)).toEqual({})
  })

  it('knows immutable tags beforehand, and an index that still names what should go', async () => {
    const { registry } = await harbor(['1.0.0'])
    const one = await push(registry, 'project/a', image('one'), '1.0.0')
    const child = await push(registry, 'project/a', image('child'))
    const index = encode({
      schemaVersion: 2 as const,
      mediaType: mediaType.index,
      manifests: [{ mediaType: mediaType.manifest, digest: child, size: image('child').bytes.byteLength }],
    })
    await push(registry, 'project/a', index, '2.0.0')
    const found = await Array.fromAsync(of(registry, 'project/a').entries())
    expect(found.find(({ digest }) => digest === one)?.undeletable).toBe('the tag 1.0.0 is immutable')
    expect(found.map(({ digest }) => digest)).not.toContain(child)
    await expect(of(registry, 'project/a').delete(child, [])).rejects.toEqual(code('UNDELETABLE'))
  })
})
