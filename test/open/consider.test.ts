import { describe, expect, it, onTestFinished } from 'vitest'
import { parseTag } from '../../src/oci/reference.ts'
import { Opener, type OpenOptions } from '../../src/open/open.ts'
import { type FakeRegistry, startFakeRegistry } from '../fake/registry.ts'

const basic = (password: string) =>
  ({ kind: 'basic', username: '_token', password, source: 'a file' }) as const
const none = { host: () => ({}), credentials: [] }

async function guarded(password: string): Promise<FakeRegistry> {
  const fake = await startFakeRegistry({ auth: { kind: 'basic', username: '_token', password } })
  onTestFinished(() => fake[Symbol.asyncDispose]())
  return fake
}

function opener(options: Partial<OpenOptions> = {}): Opener {
  const made = new Opener({ environment: {}, userAgent: 'test', limits: { retries: 0 }, ...options })
  onTestFinished(() => made[Symbol.asyncDispose]())
  return made
}

const ask = async (from: Opener, { host }: FakeRegistry) =>
  (await from.open({ scheme: 'oci', host })).repository('x').resolve(parseTag('1.0.0'))

/** Passwords that were sent to a registry. */
const sent = ({ requests }: FakeRegistry) =>
  requests.flatMap(({ headers: { authorization = '' } }) =>
    authorization === '' ? [] : [Buffer.from(authorization.slice('Basic '.length), 'base64').toString()],
  )

describe('a token that a workspace names', () => {
  it('goes to its host and to no other', async () => {
    const [one, other] = [await guarded('one'), await guarded('other')]
    const from = opener()
    from.consider({ ...none, credentials: [{ host: one.host, credential: async () => basic('one') }] })
    expect(await ask(from, one)).toBeUndefined()
    await expect(ask(from, other)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(new Set(sent(one))).toEqual(new Set(['_token:one']))
    expect(sent(other)).toEqual([])
  })

  it('is masked before it is sent', async () => {
    const one = await guarded('one')
    const secrets: string[] = []
    const from = opener({ secret: (value) => secrets.push(value) })
    from.consider({ ...none, credentials: [{ host: one.host, credential: async () => basic('one') }] })
    await ask(from, one)
    expect(secrets).toContain('one')
  })

  it('is not read where no host asks for it', async () => {
    const open = await startFakeRegistry()
    onTestFinished(() => open[Symbol.asyncDispose]())
    const from = opener()
    const credential = () => Promise.reject(new Error('read'))
    from.consider({ ...none, credentials: [{ host: open.host, credential }] })
    expect(await ask(from, open)).toBeUndefined()
  })

  it('gives way to what was given for the same host', async () => {
    const one = await guarded('given')
    const from = opener({ credentials: [{ host: one.host, credential: basic('given') }] })
    from.consider({ ...none, credentials: [{ host: one.host, credential: basic('workspace') }] })
    expect(await ask(from, one)).toBeUndefined()
    expect(new Set(sent(one))).toEqual(new Set(['_token:given']))
  })
})

describe('how a workspace says a host is spoken to', () => {
  it('holds where slipway.yaml says nothing of it', async () => {
    const one = await guarded('one')
    const from = opener({ host: () => ({ requestsPerSecond: 100 }) })
    from.consider({ ...none, host: () => ({ plainHttp: false }) })
    await expect(ask(from, one)).rejects.toMatchObject({ code: expect.stringMatching(/TLS|HOST/) })
    expect(one.requests).toEqual([])
  })

  it('gives way to what slipway.yaml says', async () => {
    const one = await startFakeRegistry()
    onTestFinished(() => one[Symbol.asyncDispose]())
    const from = opener({ host: () => ({ plainHttp: true }) })
    from.consider({ ...none, host: () => ({ plainHttp: false }) })
    expect(await ask(from, one)).toBeUndefined()
  })
})
