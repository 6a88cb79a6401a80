import { describe, expect, it } from 'vitest'
import { coreCandidate } from '../../src/sources/core-version.ts'

const digest = `sha256:${'a'.repeat(64)}`

describe('the core as it is configured', () => {
  it.each([
    ['3.5.0', '3.5.0', undefined],
    ['v3.5.0', '3.5.0', undefined],
    ['3.6.0-rc.1', '3.6.0-rc.1', undefined],
    ['oci://ghcr.io/acme/provisioning-core:v3.5.0', '3.5.0', 'oci://ghcr.io/acme/provisioning-core'],
    ['oci://localhost:5000/core:3.5.0', '3.5.0', 'oci://localhost:5000/core'],
    [`oci://ghcr.io/acme/core:v3.5.0@${digest}`, '3.5.0', 'oci://ghcr.io/acme/core'],
    ['layout:../registry#provisioning-core:v3.5.0', '3.5.0', 'layout:../registry#provisioning-core'],
  ])('%s is version %s', (text, version, source) => {
    const found = coreCandidate(text, 'flag --core-version')
    expect(found.version.version).toBe(version)
    expect(found.source).toBe(source)
  })

  it.each([
    ['latest', 'is neither a version nor a reference of the core'],
    ['', 'is neither a version nor a reference of the core'],
    ['3.5', 'is neither a version nor a reference of the core'],
    ['^3.5.0', 'is neither a version nor a reference of the core'],
    ['https://example.org/core:v3.5.0', 'is neither a version nor a reference of the core'],
    ['oci://ghcr.io/acme/core', 'names no version of the core in its tag'],
    ['oci://ghcr.io/acme/core:latest', 'names no version of the core in its tag'],
    [`oci://ghcr.io/acme/core@${digest}`, 'names no version of the core in its tag'],
  ])('%j is refused, with who said so', (text, told) => {
    expect(() => coreCandidate(text, 'flag --core-version')).toThrow(
      expect.objectContaining({
        code: 'CORE_INVALID',
        exit: 2,
        message: `flag --core-version: ${JSON.stringify(text)} ${told}`,
        hint: expect.stringContaining('3.5.0'),
      }),
    )
  })
})
