import { describe, expect, it } from 'vitest'
import { snapshotVersion } from '../../src/release/snapshot.ts'

const commit = (id: string) => ({ id, tree: '', time: new Date('2026-01-02T03:04:05Z') })

describe('a snapshot’s version', () => {
  it('holds the commit’s time and id', () => {
    const version = snapshotVersion('1.2.3', commit('abcdef0123456789'.padEnd(40, '0')))
    expect(version.version).toBe('1.2.3-snapshot.20260102030405.abcdef012345')
  })

  it('starts from 0.0.0 without a manifest, and drops a prerelease', () => {
    expect(snapshotVersion(undefined, commit('a'.repeat(40))).version).toMatch(/^0\.0\.0-snapshot/)
    expect(snapshotVersion('2.0.0-rc.1', commit('a'.repeat(40))).version).toMatch(/^2\.0\.0-snapshot/)
  })

  it('takes more of an id that would be a number with a leading zero', () => {
    const version = snapshotVersion('1.0.0', commit(`012345678901234${'a'.repeat(25)}`))
    expect(version.version).toBe('1.0.0-snapshot.20260102030405.012345678901234a')
  })
})
