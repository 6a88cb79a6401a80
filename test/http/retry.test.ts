import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { retryAfter } from '../../src/http/retry.ts'
import { FakeClock, get, serve, transport } from './servers.ts'

/** Answers the statuses in turn, then 200. */
function answering(...statuses: (number | [status: number, headers: Record<string, string>])[]) {
  return serve((request, response) => {
    request.resume()
    const next = statuses.shift() ?? 200
    const [status, headers] = typeof next === 'number' ? [next, {}] : next
    response.writeHead(status, headers).end(`${status}`)
  })
}

describe('retries', () => {
  it.each([408, 429, 500, 502, 503, 504])(
    'tries again after %i with exponential back-off',
    async (status) => {
      const server = await answering(status, status)
      const clock = new FakeClock()
      expect(await get(transport({ clock }), server.url)).toEqual({ status: 200, text: '200' })
      expect(clock.sleeps).toEqual([500, 1000])
    },
  )

  it('returns the answer that remains after all retries', async () => {
    const server = await answering(503, 503, 503, 503, 503)
    expect((await get(transport({ clock: new FakeClock() }), server.url)).status).toBe(503)
    expect(server.requests).toHaveLength(4)
  })

  it('does not repeat an answer that will not change', async () => {
    const server = await answering(404)
    expect((await get(transport(), server.url)).status).toBe(404)
    expect(server.requests).toHaveLength(1)
  })

  it('repeats POST and PATCH only when allowed to', async () => {
    for (const method of ['POST', 'PATCH'] as const) {
      const server = await answering(500, 500)
      const through = transport({ clock: new FakeClock() })
      expect((await get(through, server.url, { method })).status).toBe(500)
      expect((await get(through, server.url, { method, retry: true })).status).toBe(200)
    }
  })

  it('opens a body again for each attempt and announces its size', async () => {
    const bodies: string[] = []
    const server = await serve(async (request, response) => {
      bodies.push(`${request.headers['content-length']}:${Buffer.concat(await request.toArray())}`)
      response.writeHead(bodies.length < 2 ? 502 : 201).end()
    })
    const body = {
      size: 5,
      async *open() {
        yield Buffer.from('he')
        yield Buffer.from('llo')
      },
    }
    const { status } = await get(transport({ clock: new FakeClock() }), server.url, { method: 'PUT', body })
    expect(status).toBe(201)
    expect(bodies).toEqual(['5:hello', '5:hello'])
    expect(server.requests[0]?.headers['transfer-encoding']).toBeUndefined()
  })

  it('tries again when the connection is reset, and says so when it stays so', async () => {
    let left = 2
    const server = await serve((_, response) => {
      if (left-- > 0) response.socket?.destroy()
      else response.end('ok')
    })
    const through = transport({ clock: new FakeClock() })
    expect((await get(through, server.url)).text).toBe('ok')
    left = 99
    await expect(get(through, `${server.url}secret?token=abc`)).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
      message: `127.0.0.1:${server.port} cannot be reached: it closed the connection`,
    })
    left = 1
    await expect(get(through, server.url, { method: 'POST' })).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
    })
  })

  it('throws what the body itself throws, and does not blame the server', async () => {
    const server = await answering()
    const body = {
      size: 5,
      // biome-ignore lint/correctness/useYield: it fails before its first byte
      async *open(): AsyncGenerator<Uint8Array> {
        throw new Error('disk is gone')
      },
    }
    await expect(get(transport(), server.url, { method: 'PUT', body })).rejects.toThrow('disk is gone')
  })

  it('gives up when the next attempt would start after the deadline', async () => {
    const server = await answering(500, 500, 500, 500)
    const through = transport({ clock: new FakeClock(), limits: { deadline: 1200 } })
    await expect(get(through, server.url)).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringContaining('answered 500'),
    })
    expect(server.requests).toHaveLength(2)
  })
})

describe('Retry-After', () => {
  it('reads seconds and dates, and nothing else', () => {
    const now = Date.parse('2026-01-01T00:00:00Z')
    expect(retryAfter('7', now)).toBe(7000)
    expect(retryAfter('1.5', now)).toBe(1500)
    expect(retryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000)
    expect(retryAfter('Thu, 01 Jan 2015 00:00:30 GMT', now)).toBe(0)
    for (const bogus of [undefined, '', '-5', 'soon', '1e9', 'NaN', '2026-01-01', '5 apples'])
      expect(retryAfter(bogus, now), bogus).toBeUndefined()
    expect(retryAfter('9'.repeat(400), now)).toBe(365 * 24 * 3600_000)
  })

  it('makes all requests to the host wait', async () => {
    const server = await answering([429, { 'retry-after': '20' }])
    const clock = new FakeClock()
    const through = transport({ clock })
    await get(through, server.url, { method: 'POST' })
    expect(clock.sleeps).toEqual([])
    await get(through, `${server.url}other`)
    expect(clock.sleeps).toEqual([20_000])
  })

  it('pauses the host after a 429 that names no time', async () => {
    const server = await answering(429)
    const clock = new FakeClock()
    const through = transport({ clock })
    await get(through, server.url, { method: 'POST' })
    await get(through, server.url)
    expect(clock.sleeps).toEqual([500])
  })

  it('fails at once when it lies beyond the deadline, and names the time', async () => {
    for (const asked of ['3600', 'Thu, 01 Jan 2026 01:00:00 GMT']) {
      const server = await answering([503, { 'retry-after': asked }])
      const clock = new FakeClock()
      await expect(get(transport({ clock }), server.url)).rejects.toMatchObject({
        code: 'DEADLINE_EXCEEDED',
        message: expect.stringContaining('2026-01-01T01:00:00.000Z'),
      })
      expect(clock.sleeps).toEqual([])
    }
  })

  it('is ignored when it makes no sense', async () => {
    const server = await answering([503, { 'retry-after': '-5' }])
    const clock = new FakeClock()
    expect((await get(transport({ clock }), server.url)).status).toBe(200)
    expect(clock.sleeps).toEqual([500])
  })
})

describe('pace and cancellation', () => {
  it('keeps to the requests per second of a host', async () => {
    const server = await answering()
    const clock = new FakeClock()
    const through = transport({ clock, perHost: () => ({ requestsPerSecond: 10 }) })
    for (let i = 0; i < 5; i++) await get(through, server.url)
    expect(clock.sleeps).toEqual([100, 100, 100, 100])
  })

  it('stops at once when aborted while backing off', async () => {
    const server = await answering([503, { 'retry-after': '60' }])
    const stop = new AbortController()
    const sent = get(transport({ clock: systemClock }), server.url, { signal: stop.signal })
    setTimeout(() => stop.abort(new Error('interrupted')), 50)
    const start = Date.now()
    await expect(sent).rejects.toThrow('interrupted')
    expect(Date.now() - start).toBeLessThan(5000)
    expect(server.requests).toHaveLength(1)
  })

  it('stops at once when aborted while waiting for the answer or in its body', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/body') response.write('part')
    })
    const through = transport()
    for (const path of ['answer', 'body']) {
      const stop = new AbortController()
      const sent = get(through, `${server.url}${path}`, { signal: stop.signal })
      setTimeout(() => stop.abort(new Error('interrupted')), 50)
      await expect(sent).rejects.toThrow('interrupted')
    }
  })
})
