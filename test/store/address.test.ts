import { describe, expect, it } from 'vitest'
import { parseAddress, parseTarget, showAddress, showTarget, under } from '../../src/store/address.ts'

const digest = `sha256:${'a'.repeat(64)}`

describe('addresses', () => {
  it.each([
    [
      'oci://localhost:5000/a/b:1.0.0',
      { scheme: 'oci', host: 'localhost:5000', repository: 'a/b', tag: '1.0.0' },
    ],
    [`oci://ghcr.io/a@${digest}`, { scheme: 'oci', host: 'ghcr.io', repository: 'a', digest }],
    [
      'layout:/srv/registry#a/b:v1.0.0',
      { scheme: 'layout', path: '/srv/registry', repository: 'a/b', tag: 'v1.0.0' },
    ],
    ['layout:/srv/one:1.0.0', { scheme: 'layout', path: '/srv/one', repository: '', tag: '1.0.0' }],
    ['archive:a.tar', { scheme: 'archive', path: 'a.tar', repository: '' }],
    [`archive:a.tar#x@${digest}`, { scheme: 'archive', path: 'a.tar', repository: 'x', digest }],
  ])('reads and shows %s', (text, parts) => {
    expect(parseAddress(text)).toEqual(parts)
    expect(showAddress(parseAddress(text)).replace('#:', ':')).toBe(text)
  })

  it('reads targets, and puts repositories under their prefix', () => {
    const target = parseTarget('oci://localhost:5000/acme/extensions/')
    expect(showTarget(target)).toBe('oci://localhost:5000/acme/extensions')
    expect(under(target, 'provisioning-kcl', 'net')).toBe('acme/extensions/provisioning-kcl/net')
    expect(under(parseTarget('layout:/x'), 'net')).toBe('net')
  })

  it.each([
    '',
    'kubernetes',
    'http://x/y',
    'oci://',
    'oci:///x',
    'oci://host:99999/x',
    'oci://h/UPPER',
    'layout:',
  ])('refuses %j', (text) => {
    expect(() => parseAddress(text)).toThrow()
  })

  it('never shows a password that was mistaken for part of an address', () => {
    for (const text of ['oci://me:s3cret@localhost:5000/x', 'oci://me:s3cret@localhost']) {
      for (const parse of [parseAddress, parseTarget]) {
        let message = ''
        try {
          parse(text)
        } catch (error) {
          message = `${(error as Error).message} ${(error as { hint?: string }).hint}`
        }
        expect(message).toContain('slipway login')
        expect(message).not.toContain('s3cret')
      }
    }
  })
})
