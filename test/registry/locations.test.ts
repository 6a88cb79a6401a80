import { describe, expect, it } from 'vitest'
import { uploadLocation } from '../../src/registry/locations.ts'

const at = (from: string, location: string | undefined) =>
  uploadLocation(location, new URL(from), 'example.com/a').href

describe('the address an upload goes on at', () => {
  it.each([
    [
      'https://example.com/v2/a/blobs/uploads/',
      '/v2/a/blobs/uploads/1',
      'https://example.com/v2/a/blobs/uploads/1',
    ],
    ['https://example.com/v2/a/blobs/uploads/', '2?x=y', 'https://example.com/v2/a/blobs/uploads/2?x=y'],
    ['https://example.com/v2/', 'https://storage.example.net/u', 'https://storage.example.net/u'],
    ['https://example.com:8443/v2/', 'http://example.com/u', 'https://example.com:8443/u'],
    ['http://localhost:5000/v2/', 'http://127.0.0.1:6000/u', 'http://127.0.0.1:6000/u'],
    ['https://10.0.0.1/v2/', 'https://10.0.0.2/u', 'https://10.0.0.2/u'],
  ])('from %s to %s is %s', (from, location, expected) => {
    expect(at(from, location)).toBe(expected)
  })

  it.each([
    ['https://example.com/', 'http://elsewhere.example.com/u'],
    ['https://example.com/', 'https://127.0.0.1/u'],
    ['https://example.com/', 'https://[::1]/u'],
    ['https://example.com/', 'https://[::ffff:10.0.0.1]/u'],
    ['https://example.com/', 'https://169.254.169.254/latest/meta-data'],
    ['http://example.com/', 'http://localhost/u'],
    ['https://example.com/', 'file:///etc/passwd'],
    ['https://example.com/', 'https://user:pass@example.com/u'],
    ['https://example.com/', 'https://'],
    ['https://example.com/', undefined],
  ])('from %s is never %s', (from, location) => {
    expect(() => at(from, location)).toThrow(expect.objectContaining({ code: 'LOCATION_REFUSED' }))
  })
})
