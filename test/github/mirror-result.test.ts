import { expect, test } from 'vitest'
import { mirrorResult } from '../../src/github/mirror-result.ts'
import type { MirrorResult, RepositoryOutcome } from '../../src/tasks/mirror.ts'

const counts = { uploaded: 0, mounted: 0, present: 0 }
const outcome = (more: Partial<RepositoryOutcome>): RepositoryOutcome => ({
  mirror: 'm',
  source: 'oci://a/one',
  target: 'oci://b/one',
  state: 'unchanged',
  tags: { copied: 0, unchanged: 1, failed: 0 },
  blobs: counts,
  manifests: counts,
  bytes: counts,
  referrers: 0,
  requests: 3,
  milliseconds: 120,
  failures: [],
  ...more,
})
const result: MirrorResult = {
  repositories: [
    outcome({}),
    outcome({
      source: 'oci://a/<b>|two',
      state: 'failed',
      tags: { copied: 0, unchanged: 0, failed: 1 },
      failures: [{ tag: '1.0.0' as never, code: 'DENIED', message: 'no' }],
    }),
  ],
  total: { repositories: 2, tags: { copied: 0, unchanged: 1, failed: 1 }, bytes: counts, requests: 6 },
  verified: false,
  milliseconds: 200,
  exit: 1,
}

test('what failed stands first, every failure is told, and nothing from outside is Markdown', () => {
  const { sections = [], failures, exit, outputs } = mirrorResult(result)
  expect(exit).toBe(1)
  const rows = sections[1]?.split('\n') ?? []
  expect(rows[2]).toContain('**failed**')
  expect(rows[3]).toContain('unchanged')
  expect(sections.join('\n')).not.toContain('<b>')
  expect(rows[2]?.split('|')).toHaveLength(11)
  expect(failures).toEqual([
    expect.objectContaining({ code: 'DENIED', message: 'oci://a/<b>|two:1.0.0 → oci://b/one: no' }),
  ])
  expect(outputs).toMatchObject({ copied: 0, unchanged: 1, failed: 1, requests: 6 })
  expect((outputs.repositories as readonly unknown[]).length).toBe(2)
})
