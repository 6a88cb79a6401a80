import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { hasCode } from '../../src/core/error.ts'
import type { HttpRequest } from '../../src/http/transport.ts'
import { createAuth } from '../../src/registry/auth.ts'
import type { Credential } from '../../src/registry/credential.ts'
import { covers, mergeScopes, type Scope, scopeTexts } from '../../src/registry/scope.ts'
import { FakeClock, serve, serveTls, transport } from '../http/servers.ts'

const source = '~/.docker/config.json'
const alice: Credential = { kind: 'basic', username: 'alice', password: 'pa:ss', source }
const aliceHeader = `Basic ${Buffer.from('alice:pa:ss').toString('base64')}`
const pull: Scope[] = [{ repository: 'a/b', actions: ['pull'] }]
const push: Scope[] = [{ repository: 'a/b', actions: ['push'] }]

interface Asked {
  readonly method: string
  readonly scopes: readonly string[]
  readonly authorization: string | undefined
  readonly query: URLSearchParams
  readonly form: string
}

/** A registry with its token server on one port. */
async function registry(
  options: {
    token?: (asked: Asked, response: ServerResponse) => unknown
    accepts?: (authorization: string | undefined, request: IncomingMessage) => boolean
    challenge?: (base: string) => string | string[]
  } = {},
) {
  const asked: Asked[] = []
  const seen: (string | undefined)[] = []
  const bodies: string[] = []
  let issued = 0
  const {
    token = () => ({ token: `t${++issued}` }),
    accepts = (header) => header?.startsWith('Bearer t') ?? false,
    challenge = (base) => `Bearer realm="${base}token",service="reg"`,
  } = options
  const server = await serve(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    const url = new URL(request.url ?? '', server.url)
    if (url.pathname === '/token') {
      const one: Asked = {
        method: request.method ?? '',
        scopes: url.searchParams.getAll('scope'),
        authorization: request.headers.authorization,
        query: url.searchParams,
        form: body,
      }
      asked.push(one)
      const answer = await token(one, response)
      if (!response.writableEnded) response.end(JSON.stringify(answer))
      return
    }
    seen.push(request.headers.authorization)
    bodies.push(body)
    if (accepts(request.headers.authorization, request)) return response.end('content')
    return response.writeHead(401, { 'www-authenticate': challenge(server.url.href) }).end()
  })
  return { ...server, asked, seen, bodies }
}

function authFor(credential?: Credential, clock = new FakeClock()) {
  const hosts: string[] = []
  const secrets: string[] = []
  const auth = createAuth({
    transport: transport({ clock, limits: { retries: 0 }, perHost: () => ({ insecure: true }) }),
    clock,
    secret: (value) => secrets.push(value),
    credentials: {
      async for(host) {
        hosts.push(host)
        return credential
      },
    },
  })
  const send = async (url: URL, scopes: Scope[] = pull, more: Partial<HttpRequest> = {}) => {
    const response = await auth.send({ method: 'GET', url, ...more }, scopes)
    await response.discard()
    return response.status
  }
  return { auth, send, hosts, secrets, clock }
}

describe('anonymous and basic', () => {
  it('asks anonymously first and looks for no credential when that suffices', async () => {
    const server = await registry({ accepts: () => true })
    const { send, hosts, auth } = authFor(alice)
    expect(await send(server.url)).toBe(200)
    expect(server.seen).toEqual([undefined])
    expect(hosts).toEqual([])
    expect(auth.credential).toBeUndefined()
  })

  it('sends user and password where basic is wanted, from the second request on at once', async () => {
    const server = await registry({
      accepts: (header) => header === aliceHeader,
      challenge: () => 'Basic realm="ecr"',
    })
    const { send, auth } = authFor(alice)
    for (let i = 0; i < 3; i++) expect(await send(server.url)).toBe(200)
    expect(server.seen).toEqual([undefined, aliceHeader, aliceHeader, aliceHeader])
    expect(auth.credential).toBe('user "alice" from ~/.docker/config.json')
  })

  it('says which credential was refused and where it came from, never the secret', async () => {
    const server = await registry({ accepts: () => false, challenge: () => 'Basic realm="x"' })
    const { send } = authFor(alice)
    const error = await send(server.url).catch((thrown: unknown) => thrown)
    expect(hasCode(error, 'UNAUTHORIZED')).toBe(true)
    expect(String(error)).toContain(
      `127.0.0.1:${server.port} refuses user "alice" from ~/.docker/config.json`,
    )
    expect(JSON.stringify(error) + String(error)).not.toContain('pa:ss')
    expect(server.seen).toHaveLength(2)
  })

  it('says that none was sent when there is none', async () => {
    const server = await registry({ accepts: () => false, challenge: () => 'Basic realm="x"' })
    await expect(authFor().send(server.url)).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringContaining('no credential was sent'),
      hint: `Log in: slipway login 127.0.0.1:${server.port}.`,
    })
  })

  it('hands back a 401 that names no scheme', async () => {
    const server = await serve((_, response) => response.writeHead(401).end())
    expect(await authFor(alice).send(server.url)).toBe(401)
  })
})

describe('bearer', () => {
  it('asks for the wanted scope with service and account, and remembers the token', async () => {
    const server = await registry()
    const { send, secrets } = authFor(alice)
    for (let i = 0; i < 3; i++) expect(await send(server.url)).toBe(200)
    expect(server.asked).toHaveLength(1)
    expect(server.asked[0]).toMatchObject({ scopes: ['repository:a/b:pull'], authorization: aliceHeader })
    expect(server.asked[0]?.query.get('service')).toBe('reg')
    expect(server.asked[0]?.query.get('account')).toBe('alice')
    expect(server.seen).toEqual([undefined, 'Bearer t1', 'Bearer t1', 'Bearer t1'])
    expect(secrets).toContain('t1')
  })

  it('asks for an anonymous token without a credential, and reads access_token too', async () => {
    const server = await registry({ token: () => ({ access_token: 't9' }) })
    expect(await authFor().send(server.url)).toBe(200)
    expect(server.asked[0]?.authorization).toBeUndefined()
  })

  it('uses a push token for pulls, and gets a second one only for more', async () => {
    const server = await registry()
    const { send } = authFor(alice)
    await send(server.url, push)
    await send(server.url, pull)
    await send(server.url, [{ repository: 'a/b', actions: ['delete'] }])
    await send(server.url, [{ repository: 'c', actions: ['pull'] }, ...pull])
    await send(server.url, [{ catalog: true }])
    expect(server.asked.map((one) => one.scopes)).toEqual([
      ['repository:a/b:pull,push'],
      ['repository:a/b:delete'],
      ['repository:c:pull', 'repository:a/b:pull'],
      ['registry:catalog:*'],
    ])
    expect(server.seen.filter((one) => one === undefined)).toHaveLength(1)
  })

  it('adds what the challenge asks for behind what is wanted', async () => {
    const server = await registry({
      challenge: (base) => `Bearer realm="${base}token",scope="aws repository:a/b:pull"`,
    })
    const { send } = authFor(alice)
    await send(server.url)
    await send(server.url, [{ repository: 'c', actions: ['pull'] }])
    expect(server.asked.map((one) => one.scopes)).toEqual([
      ['repository:a/b:pull', 'aws'],
      ['repository:c:pull', 'aws'],
    ])
  })

  it('asks for one token however many requests wait for it', async () => {
    const server = await registry()
    const { send } = authFor(alice)
    await Promise.all(Array.from({ length: 10 }, () => send(server.url)))
    expect(server.asked).toHaveLength(1)
  })

  it('does not take the token away from others when one caller stops', async () => {
    const gate = Promise.withResolvers<void>()
    const server = await registry({
      token: async () => {
        await gate.promise
        return { token: 't1' }
      },
    })
    const { send } = authFor(alice)
    const stop = new AbortController()
    const stopped = send(server.url, pull, { signal: stop.signal })
    const other = send(server.url)
    await expect.poll(() => server.asked.length, { timeout: 20_000 }).toBe(1)
    await expect.poll(() => server.seen.length, { timeout: 20_000 }).toBe(2)
    stop.abort(new Error('interrupted'))
    await expect(stopped).rejects.toThrow('interrupted')
    gate.resolve()
    expect(await other).toBe(200)
  })

  it('gets a new token before the old one expires; without a life time after a minute', async () => {
    const server = await registry()
    const { send, clock } = authFor(alice)
    await send(server.url)
    clock.time += 45_000
    await send(server.url)
    expect(server.asked).toHaveLength(1)
    clock.time += 10_000
    await send(server.url)
    expect(server.asked).toHaveLength(2)
    expect(server.seen.filter((one) => one === undefined)).toHaveLength(1)
  })

  it('keeps a token as long as its server says', async () => {
    const server = await registry({ token: () => ({ token: 't1', expires_in: 3600 }) })
    const { send, clock } = authFor(alice)
    await send(server.url)
    clock.time += 3_000_000
    await send(server.url)
    expect(server.asked).toHaveLength(1)
  })

  it('gets a new token when one is refused in mid-upload, and sends the body again', async () => {
    let valid = 't1'
    const server = await registry({ accepts: (header) => header === `Bearer ${valid}` })
    const { send } = authFor(alice)
    await send(server.url, push)
    valid = 't2'
    const body = {
      size: 4,
      async *open() {
        yield Buffer.from('blob')
      },
    }
    expect(await send(server.url, push, { method: 'PATCH', body })).toBe(200)
    expect(server.seen.slice(2)).toEqual(['Bearer t1', 'Bearer t2'])
    expect(server.bodies.at(-1)).toBe('blob')
  })

  it('does not ask again when a fresh token is refused', async () => {
    const server = await registry({ accepts: () => false })
    const { send } = authFor(alice)
    await expect(send(server.url)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(server.asked).toHaveLength(1)
    expect(server.seen).toHaveLength(2)
  })

  it('asks again when the challenge then names a scope it was not asked for', async () => {
    let needed = ''
    const server = await registry({
      token: ({ scopes }) => ({ token: scopes.includes('repository:src:pull') ? 'tboth' : 'tone' }),
      accepts: (header) => header === (needed === '' ? 'Bearer tone' : 'Bearer tboth'),
      challenge: (base) => `Bearer realm="${base}token",scope="${needed}"`,
    })
    const { send } = authFor(alice)
    expect(await send(server.url, pull)).toBe(200)
    needed = 'repository:src:pull'
    expect(await send(server.url, push, { method: 'POST' })).toBe(200)
    expect(server.asked.at(-1)?.scopes).toEqual(['repository:a/b:pull,push', 'repository:src:pull'])
  })

  it('sends an explicit token as it is', async () => {
    const server = await registry({ accepts: (header) => header === 'Bearer mine' })
    expect(await authFor({ kind: 'bearer', token: 'mine', source: '--token' }).send(server.url)).toBe(200)
    expect(server.asked).toEqual([])
  })

  it('tries basic when the token server fails and the registry offers both', async () => {
    const server = await registry({
      token: (_, response) => response.writeHead(404).end(),
      accepts: (header) => header === aliceHeader,
      challenge: (base) => ['Basic realm="gitea"', `Bearer realm="${base}token"`],
    })
    expect(await authFor(alice).send(server.url)).toBe(200)
    expect(server.asked).toHaveLength(1)
  })

  it.each([
    [401, 'UNAUTHORIZED'],
    [403, 'DENIED'],
    [503, 'TOKEN_UNAVAILABLE'],
  ])('tells of a token server that answers %i as %s', async (status, code) => {
    const server = await registry({ token: (_, response) => response.writeHead(status).end() })
    await expect(authFor(alice).send(server.url)).rejects.toMatchObject({
      code,
      message: expect.stringContaining('user "alice" from ~/.docker/config.json'),
    })
    await expect(authFor().send(server.url)).rejects.toMatchObject({
      code,
      message: expect.stringContaining('no credential was sent'),
    })
  })

  it.each([{}, { token: '' }, { token: 'a\r\nx: y' }, { token: 5 }, []])(
    'refuses the unusable token answer %j',
    async (answer) => {
      const server = await registry({ token: () => answer })
      await expect(authFor(alice).send(server.url)).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE' })
    },
  )
})

describe('identity tokens', () => {
  const identity: Credential = { kind: 'identity', token: 'refresh', source }

  it('exchanges one by POST', async () => {
    const server = await registry()
    expect(await authFor(identity).send(server.url)).toBe(200)
    const [asked] = server.asked
    expect(asked?.method).toBe('POST')
    expect(Object.fromEntries(new URLSearchParams(asked?.form))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'slipway',
      service: 'reg',
      scope: 'repository:a/b:pull',
      refresh_token: 'refresh',
    })
  })

  it.each([404, 405])('falls back to GET when POST answers %i', async (status) => {
    const server = await registry({
      token: (asked, response) =>
        asked.method === 'POST' ? response.writeHead(status).end() : { token: 't1' },
    })
    expect(await authFor(identity).send(server.url)).toBe(200)
    expect(server.asked.map((one) => one.method)).toEqual(['POST', 'GET'])
  })
})

describe('where credentials go', () => {
  it('never to a token server over plain http when the registry speaks https', async () => {
    const thief = await serve((_, response) => response.end('{"token":"t1"}'))
    const server = await serveTls((_, response) => {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${thief.url}"` }).end()
    })
    await expect(authFor(alice).send(server.url)).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringContaining('nothing was sent to it'),
    })
    expect(thief.requests).toHaveLength(0)
  })

  it('never from a registry of this machine to a plain http server elsewhere', async () => {
    const server = await registry({ challenge: () => 'Bearer realm="http://elsewhere.test/token"' })
    await expect(authFor(alice).send(server.url)).rejects.toMatchObject({
      message: expect.stringContaining('nothing was sent to it'),
    })
  })

  it('only to the host they belong to, also when an upload continues elsewhere', async () => {
    const storage = await registry({ challenge: () => 'Basic realm="x"', accepts: (header) => !!header })
    const server = await registry({ challenge: () => 'Basic realm="x"', accepts: (header) => !!header })
    const auth = createAuth({
      transport: transport(),
      credentials: { for: async (host) => (host === server.url.host ? alice : undefined) },
    })
    await auth.send({ method: 'GET', url: server.url }, push)
    await expect(auth.send({ method: 'PUT', url: storage.url }, push)).rejects.toMatchObject({
      message: expect.stringContaining(`127.0.0.1:${storage.port} wants a login`),
    })
    expect(storage.seen).toEqual([undefined])
  })

  it('not over plain http, unless the user allowed it', async () => {
    const proxy = await serve((request, response) => {
      if (request.headers.authorization) response.end()
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    })
    const through = transport({ environment: { HTTP_PROXY: proxy.url.href } })
    const make = (allowed: boolean) =>
      createAuth({ transport: through, credentials: { for: async () => alice }, plainHttp: () => allowed })
    const request = { method: 'GET', url: new URL('http://registry.test/v2/') } as const
    await expect(make(false).send(request, pull)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(proxy.requests.every((one) => one.headers.authorization === undefined)).toBe(true)
    expect((await make(true).send(request, pull)).status).toBe(200)
  })
})

describe('scopes', () => {
  it('are written as token servers read them', () => {
    expect(
      scopeTexts([
        { repository: 'a', actions: ['pull'] },
        { repository: 'b', actions: ['pull'] },
        { repository: 'a', actions: ['push'] },
      ]),
    ).toEqual(['repository:a:pull,push', 'repository:b:pull'])
  })

  it('cover no more than was granted', () => {
    expect(covers(['repository:a:pull,push'], ['repository:a:pull'])).toBe(true)
    expect(covers(['repository:a:pull'], ['repository:a:pull,push'])).toBe(false)
    expect(covers(['repository:a:pull'], ['repository:ab:pull'])).toBe(false)
    expect(covers([], [])).toBe(true)
  })

  it('of a hostile challenge are cut short', () => {
    expect(mergeScopes(['w:pull'], Array.from({ length: 99 }, (_, i) => `x${i}`).join(' '))).toHaveLength(9)
    expect(mergeScopes(['w:pull'], `w:pull a\nb ${'x'.repeat(600)}`)).toEqual(['w:pull'])
  })
})
