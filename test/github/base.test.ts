import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { basesOf } from '../../src/github/base.ts'

const dir = mkdtempSync(join(tmpdir(), 'slipway-base-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const sha = 'a'.repeat(40)

function event(content: string): { GITHUB_EVENT_PATH: string } {
  const path = join(dir, `event-${Math.random()}.json`)
  writeFileSync(path, content)
  return { GITHUB_EVENT_PATH: path }
}

describe('what a run is to be merged into', () => {
  it('is the branch as the remote has it, then the commit of the event, then the branch', async () => {
    const payload = event(JSON.stringify({ pull_request: { base: { sha, ref: 'evil' } } }))
    expect(await basesOf({ GITHUB_BASE_REF: 'release/1', ...payload })).toEqual([
      'origin/release/1',
      sha,
      'release/1',
    ])
  })

  it('is the commit that a merge queue names', async () => {
    expect(await basesOf(event(JSON.stringify({ merge_group: { base_sha: sha } })))).toEqual([sha])
  })

  it('is nothing for a push, a schedule or outside of events', async () => {
    expect(await basesOf(event(JSON.stringify({ ref: 'refs/heads/main', before: sha })))).toBeUndefined()
    expect(await basesOf({ GITHUB_BASE_REF: '' })).toBeUndefined()
    expect(await basesOf({ GITHUB_EVENT_PATH: join(dir, 'missing') })).toBeUndefined()
  })

  it.each([
    'no json',
    'null',
    '[]',
    '{"pull_request":{"base":{"sha":"--output=x"}}}',
    '{"pull_request":{"base":{"sha":["a"]}}}',
    '{"__proto__":{"pull_request":1}}',
  ])('is the branch alone where the event holds %j', async (content) => {
    expect(await basesOf({ GITHUB_BASE_REF: 'main', ...event(content) })).toEqual(['origin/main', 'main'])
  })
})
