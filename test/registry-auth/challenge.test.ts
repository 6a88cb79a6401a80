import { describe, expect, it } from 'vitest'
import { parseChallenges } from '../../src/registry/challenge.ts'

const read = (header: string | undefined) =>
  parseChallenges(header).map((one) => [one.scheme, Object.fromEntries(one.parameters)])

describe('WWW-Authenticate', () => {
  it('reads a bearer challenge with commas in quotes', () => {
    expect(
      read('Bearer realm="https://auth.test/token",service="registry",scope="repository:a/b:pull,push"'),
    ).toEqual([
      [
        'bearer',
        { realm: 'https://auth.test/token', service: 'registry', scope: 'repository:a/b:pull,push' },
      ],
    ])
  })

  it('reads several challenges in one value, in any case and spacing', () => {
    expect(read('BASIC realm="a \\"b\\", c" , bearer  Realm = x ,error=invalid_token, Negotiate')).toEqual([
      ['basic', { realm: 'a "b", c' }],
      ['bearer', { realm: 'x', error: 'invalid_token' }],
      ['negotiate', {}],
    ])
  })

  it('does not take a token68 for parameters of the next challenge', () => {
    expect(read('Negotiate YIIabc==, Basic realm="x"')).toEqual([
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
    ])
  })

  it('never throws and ends soon on hostile input', () => {
    const start = performance.now()
    for (const hostile of [
      undefined,
      '',
      ',,,,',
      '="x"',
      'Bearer realm="unclosed',
      'Bearer realm="\\',
      'Bearer =,=,=',
      '\u0000\uffff"',
      'Bearer __proto__="x", realm=https://a',
      `Bearer ${'a='.repeat(1e6)}`,
      `${'Basic '.repeat(1e5)}`,
      `Bearer realm="${'\\"'.repeat(1e6)}`,
      ' '.repeat(1e6),
    ])
      expect(parseChallenges(hostile).length).toBeLessThanOrEqual(16)
    expect(performance.now() - start).toBeLessThan(10_000)
  })
})
