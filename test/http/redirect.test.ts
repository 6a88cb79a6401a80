import { describe, expect, it } from 'vitest'
import { followed } from '../../src/http/redirect.ts'
import { get, serve, serveTls, transport } from './servers.ts'

const addresses: Record<string, string> = {
  'public.test': '93.184.216.34',
  'cdn.test': '93.184.216.35',
  'inside.test': '10.0.0.5',
}
const lookup = async (host: string) => {
  const address = addresses[host]
  if (address === undefined) throw new Error('no such host')
  return [address]
}
const follow = (from: string, to: string) => {
  const url = new URL(from)
  const headers = { Authorization: 'Bearer x', cookie: 'y', range: 'bytes=1-' }
  return followed({ method: 'GET', url, headers }, url, to, lookup)
}

describe('redirects', () => {
  it('follows GET and HEAD and says where the answer came from', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/a') response.writeHead(307, { location: 'b' }).end()
      else response.end('b')
    })
    const through = transport()
    const url = new URL('/a', server.url)
    const response = await through.send({ method: 'GET', url })
    expect(response.url.pathname).toBe('/b')
    expect(Buffer.from(await response.bytes(10)).toString()).toBe('b')
    const head = await through.send({ method: 'HEAD', url })
    expect(head.status).toBe(200)
    expect((await get(through, url, { redirect: 'manual' })).status).toBe(307)
    expect((await get(through, url, { method: 'POST' })).status).toBe(307)
  })

  it('leaves credentials at home when another origin answers', async () => {
    const storage = await serve((_, response) => response.end('blob'))
    const server = await serve((request, response) => {
      const location = request.url === '/same' ? '/end' : storage.url.href
      if (request.url === '/end') response.end('end')
      else response.writeHead(307, { location }).end()
    })
    const headers = { authorization: 'Bearer secret', cookie: 'secret', range: 'bytes=2-' }
    await get(transport(), server.url, { headers })
    expect(storage.requests[0]?.headers).toMatchObject({ range: 'bytes=2-' })
    expect(storage.requests[0]?.headers).not.toHaveProperty('authorization')
    expect(storage.requests[0]?.headers).not.toHaveProperty('cookie')
    await get(transport(), `${server.url}same`, { headers })
    expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer secret')
  })

  it('gives up after ten hops', async () => {
    const server = await serve((_, response) => response.writeHead(302, { location: '/' }).end())
    await expect(get(transport(), server.url)).rejects.toMatchObject({ code: 'REDIRECT_REFUSED' })
    expect(server.requests).toHaveLength(11)
  })

  it('refuses to leave https', async () => {
    const plain = await serve((_, response) => response.end())
    const server = await serveTls((_, response) => {
      response.writeHead(302, { location: `${plain.url.href}?sig=secret` }).end()
    })
    await expect(get(transport({ perHost: () => ({ insecure: true }) }), server.url)).rejects.toMatchObject({
      code: 'REDIRECT_REFUSED',
      message: expect.not.stringContaining('secret'),
    })
    expect(plain.requests).toHaveLength(0)
  })

  it('refuses to be led from a public host into this network', async () => {
    for (const to of [
      'https://127.0.0.1/',
      'https://169.254.169.254/latest',
      'https://[::1]/',
      'https://[::ffff:10.0.0.1]/',
      'https://localhost:5000/',
      'https://inside.test/',
      'https://2130706433/',
    ])
      await expect(follow('https://public.test/a', to), to).rejects.toMatchObject({
        code: 'REDIRECT_REFUSED',
      })
  })

  it('follows from inside to inside, and between public hosts', async () => {
    await expect(follow('https://inside.test/', 'https://10.0.0.9:9000/x')).resolves.toMatchObject({
      headers: { range: 'bytes=1-' },
    })
    await expect(follow('https://public.test/', 'https://me:pw@cdn.test/x')).resolves.toMatchObject({
      url: new URL('https://cdn.test/x'),
    })
    await expect(follow('https://public.test/', 'ftp://cdn.test/')).rejects.toMatchObject({
      code: 'REDIRECT_REFUSED',
    })
  })
})
