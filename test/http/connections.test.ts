import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { Lane } from '../../src/http/lane.ts'
import { proxyFor } from '../../src/http/proxy.ts'
import { FakeClock, get, pem, serve, serveProxy, serveTls, transport } from './servers.ts'

const ok = (_: unknown, response: { end(text: string): void }) => response.end('ok')

describe('connections', () => {
  it('uses its connections again and again', async () => {
    const server = await serve(ok)
    let connections = 0
    server.server.on('connection', () => connections++)
    const through = transport()
    for (let i = 0; i < 20; i++) await get(through, server.url)
    // The second is made when a request comes while the first still winds up the answer before.
    expect(connections).toBeLessThanOrEqual(2)
  })

  it('has no more requests in flight than allowed, and frees places that were discarded', async () => {
    let running = 0
    let most = 0
    const server = await serve((_, response) => {
      most = Math.max(most, ++running)
      setTimeout(() => {
        running--
        response.end('x'.repeat(300_000))
      }, 5)
    })
    const through = transport({ limits: { concurrency: 3 } })
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const response = await through.send({ method: 'GET', url: server.url })
        await response.discard()
      }),
    )
    expect(most).toBe(3)
  })

  it('needs no reading of an answer that has no body', async () => {
    const server = await serve((request, response) => {
      response.writeHead(
        request.url === '/none' ? 204 : 200,
        request.url === '/0' ? { 'content-length': 0 } : {},
      )
      response.end()
    })
    const through = transport({ limits: { concurrency: 1 } })
    for (let i = 0; i < 5; i++) {
      await through.send({ method: 'HEAD', url: server.url })
      await through.send({ method: 'GET', url: new URL('/none', server.url) })
      const empty = await through.send({ method: 'GET', url: new URL('/0', server.url) })
      expect(await empty.bytes(1)).toHaveLength(0)
    }
  })

  it('lets an upload read its bytes from the host it goes to, however few places there are', async () => {
    const server = await serve((request, response) => {
      if (request.method === 'GET') response.end('12345')
      else request.resume().on('end', () => response.writeHead(201).end())
    })
    const through = transport({ limits: { concurrency: 1 } })
    const body = {
      size: 5,
      async *open() {
        yield* (await through.send({ method: 'GET', url: server.url })).body
      },
    }
    const sent = Array.from({ length: 4 }, () => get(through, server.url, { method: 'PUT', body }))
    expect((await Promise.all(sent)).map((one) => one.status)).toEqual([201, 201, 201, 201])
  })

  it('gives places in the order they were asked for, and skips those who left', async () => {
    const lane = new Lane(1)
    const first = await lane.enter()
    const stop = new AbortController()
    const order: number[] = []
    const gone = Promise.resolve(lane.enter(stop.signal))
    const rest = [1, 2, 3].map(async (n) => {
      const leave = await lane.enter()
      order.push(n)
      leave()
    })
    stop.abort(new Error('left'))
    await expect(gone).rejects.toThrow('left')
    first()
    first()
    await Promise.all(rest)
    expect(order).toEqual([1, 2, 3])
    // A place that is given back twice is still one place.
    expect(lane.enter()).toBeTypeOf('function')
    expect(lane.enter()).toBeInstanceOf(Promise)
  })

  it('times out when no byte comes, before or in the answer', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/body') response.write('part')
    })
    const through = transport({ limits: { idle: 150, retries: 0 } })
    await expect(get(through, server.url)).rejects.toMatchObject({ code: 'TIMED_OUT' })
    await expect(get(through, `${server.url}body`)).rejects.toMatchObject({ code: 'TIMED_OUT' })
  })

  it('waits longer for the answer to a closing request', async () => {
    const server = await serve((_, response) => setTimeout(() => response.end('done'), 400))
    const through = transport({ limits: { idle: 100, closing: 5000, retries: 0 } })
    expect((await get(through, server.url, { method: 'PUT', wait: 'closing' })).text).toBe('done')
  })

  it('does not call an upload idle while bytes move', async () => {
    const server = await serve((request, response) => {
      request.resume().on('end', () => response.writeHead(201).end())
    })
    const body = {
      size: 4,
      async *open() {
        for (let i = 0; i < 4; i++) {
          await new Promise((resolve) => setTimeout(resolve, 300))
          yield Buffer.from('x')
        }
      },
    }
    const through = transport({ limits: { idle: 1000, retries: 0 } })
    expect((await get(through, server.url, { method: 'PUT', body })).status).toBe(201)
  })

  it('refuses bodies and headers beyond the limit', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/header') response.setHeader('x-long', 'x'.repeat(40_000))
      if (request.url === '/stream') response.write('x'.repeat(600))
      response.end('x'.repeat(600))
    })
    const through = transport()
    for (const path of ['', 'stream']) {
      const response = await through.send({ method: 'GET', url: new URL(path, server.url) })
      await expect(response.bytes(599)).rejects.toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
    }
    await expect(get(through, `${server.url}header`)).rejects.toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
    expect((await get(through, server.url)).text).toHaveLength(600)
  })

  it('fails in a body that breaks off', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('part')
      setTimeout(() => response.socket?.destroy(), 20)
    })
    await expect(get(transport(), server.url)).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
      message: expect.stringContaining('broke off'),
    })
  })

  it('says in words why a host cannot be reached, without retrying a typing error', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const { port } = closed.address() as { port: number }
    await new Promise((resolve) => closed.close(resolve))
    const clock = new FakeClock()
    await expect(get(transport({ clock }), `http://127.0.0.1:${port}/v2/?x=secret`)).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
      message: `127.0.0.1:${port} cannot be reached: nothing listens there (connection refused)`,
    })
    await expect(get(transport({ clock }), 'http://no-such-host.invalid/')).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
      message: expect.stringContaining('no-such-host.invalid:80 cannot be reached'),
    })
    expect(clock.sleeps.filter((ms) => ms > 0).length).toBeLessThanOrEqual(3)
  })

  it('says which program asks', async () => {
    const server = await serve(ok)
    await get(transport(), server.url)
    expect(server.requests[0]?.headers['user-agent']).toBe('slipway/test')
  })
})

describe('TLS', () => {
  it('refuses an unknown authority and says how to name it', async () => {
    const server = await serveTls(ok)
    await expect(get(transport(), server.url)).rejects.toMatchObject({
      code: 'TLS_FAILED',
      hint: expect.stringContaining(`registries.127.0.0.1:${server.port}.ca`),
    })
  })

  it('trusts an authority that is named for the host, and anything when told to', async () => {
    const server = await serveTls(ok)
    const named = transport({
      perHost: (host) => (host === server.url.host ? { ca: [pem('ca.pem')] } : undefined),
    })
    expect((await get(named, server.url)).text).toBe('ok')
    expect((await get(transport({ perHost: () => ({ insecure: true }) }), server.url)).text).toBe('ok')
  })

  it('shows its client certificate', async () => {
    const server = await serveTls(ok, { ca: pem('ca.pem'), requestCert: true, rejectUnauthorized: true })
    const ca = [pem('ca.pem')]
    await expect(
      get(transport({ limits: { retries: 0 }, perHost: () => ({ ca }) }), server.url),
    ).rejects.toThrow()
    const shown = { ca, cert: pem('client.pem'), key: pem('client.key') }
    expect((await get(transport({ perHost: () => shown }), server.url)).text).toBe('ok')
  })

  it('names certificates that cannot be used', async () => {
    for (const settings of [{ ca: ['nonsense'] }, { cert: pem('client.pem'), key: 'nonsense' }])
      await expect(get(transport({ perHost: () => settings }), 'https://127.0.0.1:1/')).rejects.toMatchObject(
        { code: 'CERTIFICATE_INVALID', exit: 2 },
      )
  })

  it('notices a server that speaks plain HTTP', async () => {
    const server = await serve(ok)
    await expect(get(transport(), `https://127.0.0.1:${server.port}/`)).rejects.toMatchObject({
      code: 'TLS_FAILED',
      message: expect.stringContaining('plain HTTP'),
      hint: expect.stringContaining('--plain-http'),
    })
  })
})

describe('proxies', () => {
  it('tunnels https through the proxy with its user and password', async () => {
    const server = await serveTls(ok, {})
    const proxy = await serveProxy(server.port)
    const through = transport({
      environment: { HTTPS_PROXY: `http://me:pa%20ss@127.0.0.1:${proxy.port}` },
      perHost: () => ({ insecure: true }),
    })
    expect((await get(through, 'https://registry.test/v2/')).text).toBe('ok')
    expect(proxy.tunnels[0]?.url).toBe('registry.test:443')
    expect(proxy.tunnels[0]?.headers['proxy-authorization']).toBe(
      `Basic ${Buffer.from('me:pa ss').toString('base64')}`,
    )
  })

  it('sends plain http through the proxy, and loopback never', async () => {
    const server = await serve(ok)
    const proxy = await serveProxy(server.port)
    const through = transport({ environment: { http_proxy: `127.0.0.1:${proxy.port}` } })
    expect((await get(through, 'http://registry.test/v2/')).text).toBe('proxied http://registry.test/v2/')
    expect((await get(through, server.url)).text).toBe('ok')
    expect(proxy.requests).toHaveLength(1)
  })

  it('says what a proxy that refuses answered', async () => {
    const proxy = await serve(ok)
    proxy.server.on('connect', (_, socket) =>
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'),
    )
    const environment = { HTTPS_PROXY: proxy.url.href }
    await expect(get(transport({ environment }), 'https://registry.test/')).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
      message: expect.stringContaining('the proxy answered 407'),
    })
  })

  it('reads NO_PROXY as other programs do', () => {
    const through = (url: string, list: string) =>
      proxyFor(new URL(url), { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: list }) !== undefined
    expect(through('https://registry.test/', '')).toBe(true)
    for (const list of [
      '*',
      'registry.test',
      '.test',
      'test',
      '*.test',
      'a, registry.test:443',
      'x REGISTRY.TEST',
    ])
      expect(through('https://registry.test/', list), list).toBe(false)
    for (const list of ['gistry.test', 'registry.test:8443', 'sub.registry.test'])
      expect(through('https://registry.test/', list), list).toBe(true)
    expect(through('https://10.1.2.3/', '10.0.0.0/8')).toBe(false)
    expect(through('https://11.1.2.3/', '10.0.0.0/8')).toBe(true)
    expect(through('https://[fd00::1]/', 'fd00::1')).toBe(false)
    expect(through('https://10.1.2.3/', '2.3')).toBe(true)
    for (const host of ['localhost', '127.0.0.9', '[::1]', 'a.localhost'])
      expect(through(`https://${host}/`, ''), host).toBe(false)
  })

  it('refuses a proxy address it cannot use, without repeating it', () => {
    const environment = { HTTPS_PROXY: 'ftp://me:secret@proxy' }
    expect(() => proxyFor(new URL('https://registry.test/'), environment)).toThrow(
      expect.objectContaining({ code: 'PROXY_INVALID', message: expect.not.stringContaining('secret') }),
    )
  })
})
