import { expect, test } from 'vitest'
import { hasCode } from '../../src/core/error.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { parseRange, rangeOf } from '../../src/version/range.ts'
import { compareVersions, isPrerelease, parseVersion, versionOf } from '../../src/version/version.ts'

function thrown(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

test.each(['1.28.0', '0.0.0', '1.0.0-rc.1', '1.0.0-0a.x-y', '999999999.0.0'])('%s is a version', (text) => {
  expect(parseVersion(text).version).toBe(text)
})

test('a version always fits into an OCI tag, with a v before it too', () => {
  const longest = `1.0.0-${'a'.repeat(121)}`
  expect(parseTag(`v${parseVersion(longest).version}`)).toHaveLength(128)
  expect(versionOf(`${longest}a`)).toBeUndefined()
})

test.each([
  ['v1.28.0', 'Write 1.28.0.'],
  [' 1.28.0', 'Write 1.28.0.'],
  ['1.28', 'Write all three numbers: 1.28.0.'],
  ['3', 'Write all three numbers: 3.0.0.'],
  ['1.02.0', 'Numbers have no leading zeros.'],
  ['1.28.0-01', 'Write major.minor.patch'],
  ['1.28.0\n', 'Write 1.28.0.'],
  ['latest', 'Write major.minor.patch'],
  ['', 'Write major.minor.patch'],
  ['99999999999999999999.0.0', 'Write major.minor.patch'],
])('%j is no version and the error says what to write', (text, hint) => {
  const error = thrown(() => parseVersion(text))
  expect(hasCode(error, 'VERSION_INVALID')).toBe(true)
  expect(error).toMatchObject({ exit: 2, hint: expect.stringContaining(hint) })
})

test('build metadata has an error of its own, since no tag can hold it', () => {
  const error = thrown(() => parseVersion('1.0.0+build.5'))
  expect(error).toMatchObject({ code: 'VERSION_BUILD_METADATA', hint: expect.stringContaining('"+build.5"') })
})

test('versions are ordered by precedence, prereleases before their release', () => {
  const texts = ['1.10.0', '1.2.0', '1.2.0-rc.10', '1.2.0-rc.2', '1.2.0-1', '2.0.0-alpha']
  const sorted = texts.map(parseVersion).sort(compareVersions)
  expect(sorted.map((version) => version.version)).toEqual([
    '1.2.0-1',
    '1.2.0-rc.2',
    '1.2.0-rc.10',
    '1.2.0',
    '1.10.0',
    '2.0.0-alpha',
  ])
  expect(sorted.filter(isPrerelease)).toHaveLength(4)
})

test('a range includes what node-semver includes', () => {
  expect(parseRange('>=1.7.0 <2.0.0').includes(parseVersion('1.7.1'))).toBe(true)
  expect(parseRange('^1.7.0').includes(parseVersion('2.0.0'))).toBe(false)
  expect(parseRange('^1.7.0').includes(parseVersion('1.8.0-rc.1'))).toBe(false)
})

test.each(['', '  ', 'newest', '>=1.x.y.z', `>=${'1'.repeat(300)}`])('%j is no range', (text) => {
  expect(rangeOf(text)).toBeUndefined()
  expect(thrown(() => parseRange(text))).toMatchObject({ code: 'RANGE_INVALID', exit: 2 })
})
