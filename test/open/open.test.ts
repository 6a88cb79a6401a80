import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseTag } from '../../src/oci/reference.ts'
import { explicitFor } from '../../src/open/explicit.ts'
import { Opener } from '../../src/open/open.ts'
import { startFakeRegistry } from '../fake/registry.ts'
import { artifact } from '../publishing/artifacts.ts'

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'slipway-open-'))
})

afterEach(() => rmSync(dir, { recursive: true, force: true }))

const options = { environment: {}, userAgent: 'slipway/test' }

describe('opening places', () => {
  it('gives one registry object per place', async () => {
    await using opener = new Opener(options)
    const place = { scheme: 'layout', path: dir } as const
    expect(await opener.open(place)).toBe(await opener.open({ ...place }))
  })

  it('keeps the default target inside .slipway out of git', async () => {
    await using opener = new Opener(options)
    const path = join(dir, '.slipway/registry')
    const store = (await opener.open({ scheme: 'layout', path })).repository('x')
    await store.tag(await artifact(store, 'x'), [parseTag('1.0.0')])
    expect(readFileSync(join(dir, '.slipway/.gitignore'), 'utf8')).toContain('*')
  })

  it('speaks plain HTTP to loopback without being told, and sends credentials to their host only', async () => {
    await using registry = await startFakeRegistry({ auth: { kind: 'basic', username: 'u', password: 'p' } })
    const credential = { kind: 'basic', username: 'u', password: 'p', source: 'test' } as const
    await using stranger = new Opener({
      ...options,
      credentials: [{ host: 'elsewhere.example', credential }],
    })
    const refused = (await stranger.open({ scheme: 'oci', host: registry.host })).repository('x')
    await expect(refused.resolve(parseTag('1.0.0'))).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(registry.requests.some((one) => one.headers.authorization !== undefined)).toBe(false)
    await using opener = new Opener({ ...options, credentials: [{ host: registry.host, credential }] })
    const store = (await opener.open({ scheme: 'oci', host: registry.host })).repository('x')
    expect(await store.resolve(parseTag('1.0.0'))).toBeUndefined()
  })

  it('rehearses writes when asked to: nothing is written, everything is told', async () => {
    await using opener = new Opener({ ...options, rehearse: true })
    const path = join(dir, 'registry')
    const store = (await opener.open({ scheme: 'layout', path })).repository('x')
    await store.tag(await artifact(store, 'x'), [parseTag('1.0.0')])
    expect(existsSync(path)).toBe(false)
    const [rehearsal] = opener.rehearsals().values()
    expect(rehearsal?.writes().map((one) => one.kind)).toEqual(['blob', 'blob', 'manifest', 'tag'])
  })
})

describe('a credential that is given', () => {
  const credential = { kind: 'bearer', token: 't', source: 'SLIPWAY_TOKEN' } as const

  it('is for the one host that is named', () => {
    const places = [
      { scheme: 'oci', host: 'a.example' },
      { scheme: 'layout', path: '/x' },
      { scheme: 'oci', host: 'a.example' },
    ] as const
    expect(explicitFor(places, credential)).toEqual([{ host: 'a.example', credential }])
  })

  it('reaches nobody when several hosts are named', () => {
    const places = [
      { scheme: 'oci', host: 'a.example' },
      { scheme: 'oci', host: 'b.example' },
    ] as const
    expect(() => explicitFor(places, credential)).toThrow(
      expect.objectContaining({
        code: 'CREDENTIAL_AMBIGUOUS',
        message: expect.stringContaining('a.example, b.example'),
      }),
    )
  })
})
