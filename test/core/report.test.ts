import { describe, expect, it } from 'vitest'
import { type Event, grouped } from '../../src/core/report.ts'

describe('a group', () => {
  it('is closed after its work, also when that fails', async () => {
    const events: Event[] = []
    const report = { emit: (event: Event) => events.push(event), secret() {} }
    expect(await grouped(report, 'Publish', async () => 1)).toBe(1)
    await expect(
      grouped(report, 'Check', async () => {
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(events.map((one) => (one.type === 'group' ? `${one.name} ${one.state}` : one.type))).toEqual([
      'Publish start',
      'Publish end',
      'Check start',
      'Check end',
    ])
  })
})
