import { describe, expect, it } from 'vitest'
import { Inputs } from '../../src/github/inputs.ts'
import { publishedIn, trustedPlaces } from '../../src/github/published.ts'

const setting = (value: readonly string[], origin: string) => ({ value, origin })
const layout = setting(['layout:/x/.slipway/registry'], 'default')
const written = setting(['oci://a/x'], 'slipway.yaml:3:5')

describe('where published packages are', () => {
  const told: unknown[] = []
  const report = { emit: (one: unknown) => told.push(one), secret() {} }

  it('is what the sources name, else where releases go', () => {
    const [source, to] = [written, setting(['oci://b'], 'flag --to')]
    const of = (one: typeof source, other: typeof source) =>
      publishedIn({ source: one, to: other }, report).map((place) => place.scheme === 'oci' && place.host)
    expect(of(source, to)).toEqual(['a'])
    expect(of(layout, to)).toEqual(['b'])
    expect(told).toEqual([])
  })

  it('is nowhere, said aloud, where nobody named any', () => {
    expect(publishedIn({ source: layout, to: layout }, report)).toEqual([])
    expect(told).toMatchObject([{ type: 'warning', code: 'SOURCES_MISSING' }])
  })
})

describe('where a credential may go', () => {
  const inputs = (own: Readonly<Record<string, string>>) => new Inputs(new Map(Object.entries(own)), {})
  const hosts = (own: Readonly<Record<string, string>>, source: typeof written) =>
    trustedPlaces(inputs(own), { source, to: layout }).map((place) => place.scheme === 'oci' && place.host)

  it('is to hosts that the workflow names', () => {
    expect(hosts({ token: 't' }, setting(['oci://a/x'], 'flag --source'))).toEqual(['a'])
    expect(hosts({ token: 't' }, setting(['oci://a/x'], 'SLIPWAY_SOURCE'))).toEqual(['a'])
    expect(hosts({ token: 't' }, layout)).toEqual([])
  })

  it('is never to a host that a pull request could name', () => {
    expect(hosts({}, written)).toEqual([])
    for (const name of ['username', 'password', 'token'])
      expect(() => hosts({ [name]: 'x' }, written)).toThrow(
        expect.objectContaining({
          code: 'INPUT_INVALID',
          message: expect.stringContaining('slipway.yaml:3:5'),
        }),
      )
  })
})
