import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readRetentionYaml } from '../../src/config/retention-yaml.ts'
import { SlipwayError } from '../../src/core/error.ts'
import { showFinding } from '../../src/core/finding.ts'
import { coversRepository, tagPattern } from '../../src/retention/pattern.ts'
import { policyFor } from '../../src/retention/policy.ts'

const day = 86_400_000
const read = (text: string) => readRetentionYaml(text, 'retention.yaml', '/repo')

function findings(text: string): string[] {
  try {
    read(text)
  } catch (error) {
    if (error instanceof SlipwayError) return error.findings.map(showFinding)
    throw error
  }
  return []
}

test('the defaults are those that are documented', () => {
  const { policies, grace, caps } = read('version: 1\n')
  expect(
    policies.map(({ name, keep, otherTags }) => [
      name,
      keep.newest?.count,
      (keep.youngerThan ?? 0) / day,
      otherTags,
    ]),
  ).toEqual([
    ['provisioning-extensions', 10, 90, 'keep'],
    ['provisioning-kcl', 20, 180, 'keep'],
    ['provisioning-platform', 5, 30, 'keep'],
    ['provisioning-test', 3, 7, 'rules'],
  ])
  expect([grace, caps]).toEqual([day, { deletions: 500, share: 50 }])
  expect(policyFor(policies, 'example-org/provisioning-kcl/network')?.name).toBe('provisioning-kcl')
  expect(policyFor(policies, 'provisioning-test')?.name).toBe('provisioning-test')
  expect(policyFor(policies, 'example-org/other')).toBeUndefined()
  expect(read('version: 1\ndefaults: false\n').policies).toEqual([])
})

test('everything the format has is read', () => {
  const { policies, ...rest } = read(`version: 1
source: oci://registry.example.org/example
repositories: [provisioning-extensions/kubernetes]
policies:
  - name: mine
    repositories: ['example/**']
    keep: {newest: {count: 5, by: date}, perMinor: 2, perMajor: 3, youngerThan: 12w, pulledWithin: 36h, tags: [lts-*, '/^1/']}
    prereleases: {newest: 1}
    otherTags: rules
    untagged: keep
lockfiles: [slipway.lock]
grace: 48h
caps: {deletions: 7, share: 12.5}
state: seen.json
`)
  expect(rest).toEqual({
    folder: '/repo',
    source: 'oci://registry.example.org/example',
    repositories: ['provisioning-extensions/kubernetes'],
    lockfiles: ['slipway.lock'],
    grace: 2 * day,
    caps: { deletions: 7, share: 12.5 },
    state: 'seen.json',
  })
  expect(policies[0]).toEqual({
    name: 'mine',
    repositories: ['example/**'],
    keep: {
      newest: { count: 5, by: 'date' },
      perMinor: 2,
      perMajor: 3,
      youngerThan: 84 * day,
      pulledWithin: 1.5 * day,
      tags: ['lts-*', '/^1/'],
    },
    prereleases: { newest: { count: 1, by: 'version' } },
    otherTags: 'rules',
    untagged: 'keep',
  })
})

const one = (keep: string) => `version: 1\npolicies:\n  - {name: a, repositories: [x], keep: ${keep}}\n`

test.each([
  ['version: 2', 'retention.yaml:1:10: error: version must be 1'],
  [one('{}'), 'retention.yaml:3:40: error: policies[0].keep names no rule: everything would go'],
  [one('{newst: 3}'), 'policies[0].keep.newst is unknown (Did you mean newest?)'],
  [one('{newest: 0}'), 'policies[0].keep.newest'],
  [one('{youngerThan: 90}'), 'policies[0].keep.youngerThan must be text, but is the number 90'],
  [one('{youngerThan: 90m}'), 'policies[0].keep.youngerThan is not a time such as 24h, 90d or 12w'],
  [one('{tags: ["!1.*"]}'), 'policies[0].keep.tags[0] is not a pattern'],
  [one('{tags: ["1.* "]}'), 'policies[0].keep.tags[0] is not a pattern'],
  [one('{tags: ["/(/"]}'), 'policies[0].keep.tags[0] is not a regular expression'],
  [
    'version: 1\npolicies:\n  - {name: a, repositories: [X/Y], keep: {newest: 1}}',
    'is not a repository with * and **',
  ],
  ['version: 1\nrepositories: ["x/*"]', 'repositories[0] is a pattern'],
  ['version: 1\nsource: ghcr.io/x', 'source is not oci://HOST[:PORT]/PREFIX'],
  ['version: 1\ncaps: {share: 101}', 'caps.share must be at most 100'],
])('%s is told at its place', (text, expected) => {
  expect(findings(text).join('\n')).toContain(expected)
})

test('the example in the documentation is valid', () => {
  const page = readFileSync(new URL('../../docs/cleanup.md', import.meta.url), 'utf8')
  expect(findings(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '')).toEqual([])
})

test.each([
  ['x', 'x', true],
  ['x', 'x/y/z', true],
  ['x', 'xy', false],
  ['x', 'y/x', false],
  ['x/*', 'x/y', true],
  ['x/*', 'x', false],
  ['**/x', 'x', true],
  ['**/x', 'a/b/x/c', true],
  ['**/x', 'a/xb', false],
  ['x/**/z', 'x/z', true],
  ['x/**/z', 'x/a/b/z', true],
  ['x.y', 'xay', false],
  ['**', 'a/b', true],
])('the glob %s over %s', (glob, path, expected) => {
  expect(coversRepository(glob, path)).toBe(expected)
})

test('a glob over tags means the whole tag, a regular expression any part of it', () => {
  const matching = (text: string) =>
    ['1.2.0', 'v1.2.0', '11.2.0', '1x2.0'].filter((tag) => tagPattern(text)?.matches(tag))
  expect(matching('1.2*')).toEqual(['1.2.0'])
  expect(matching('?1.2.0')).toEqual(['v1.2.0', '11.2.0'])
  expect(matching('/1\\.2/')).toEqual(['1.2.0', 'v1.2.0', '11.2.0'])
})
