import { expect, it } from 'vitest'
import { kclPattern } from '../../src/kcl/pattern.ts'

/** What Go's `filepath.Match` answers, asked with Go 1.26. */
it.each<[string, string, boolean]>([
  ['*.k', 'main.k', true],
  ['*.k', 'sub/main.k', false],
  ['**', 'sub/main.k', false],
  ['*/*.k', 'sub/main.k', true],
  ['docs', 'docs/README.md', false],
  ['docs/', 'docs', true],
  ['docs/*', 'docs/README.md', true],
  ['./docs//*', 'docs/README.md', true],
  ['x/../docs/*', 'docs/README.md', true],
  ['/docs/*', 'docs/README.md', true],
  ['../*', 'main.k', false],
  ['', 'main.k', false],
  ['ma?n.k', 'main.k', true],
  ['ma?n.k', 'ma/n.k', false],
  ['m[a-c]in.k', 'main.k', true],
  ['m[^a-c]in.k', 'main.k', false],
  ['a[^b]c', 'a/c', true],
  ['[\\]]', ']', true],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['*a*b*c', 'xaybzc', true],
  ['*a*b*c', 'xaybz', false],
  ['*?', 'a', true],
  ['a*', 'a', true],
  ['é?', 'éé', true],
])('%j against %j is %s', (pattern, path, expected) => {
  expect(kclPattern(pattern)?.(path)).toBe(expected)
})

it.each(['[', '[]', '[]a]', '[-]', '[a-]', '[^]', 'a\\', '[a'])('%j is malformed', (pattern) => {
  expect(kclPattern(pattern)).toBeUndefined()
})

it('takes little time for what would make a regular expression take forever', () => {
  const start = performance.now()
  expect(kclPattern('*a'.repeat(120).concat('b'))?.('a'.repeat(4000))).toBe(false)
  expect(performance.now() - start).toBeLessThan(10_000)
})
