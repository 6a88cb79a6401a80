import { expect, test } from 'vitest'
import type { Tag } from '../../src/oci/reference.ts'
import { FirstSeen, readSightings, writeSightings } from '../../src/retention/seen.ts'
import { day, digest, now } from './random.ts'

const tags = (...names: string[]) => names as Tag[]

test('things are as old as the latest first sighting of one of their tags', () => {
  const first = new FirstSeen({}, now)
  expect(first.writtenAt('x', digest('a'), tags('1.0.0'))).toBe(now)
  const later = new FirstSeen(first.sightings(), now + 5 * day)
  expect(later.writtenAt('x', digest('a'), tags('1.0.0'))).toBe(now)
  expect(later.writtenAt('x', digest('a'), tags('1.0.0', 'lts'))).toBe(now + 5 * day)
  // The same tag elsewhere, the same digest without it, and another repository are new.
  expect(later.writtenAt('x', digest('b'), tags('1.0.0'))).toBe(now + 5 * day)
  expect(later.writtenAt('x', digest('a'), [])).toBe(now + 5 * day)
  expect(later.writtenAt('y', digest('a'), tags('1.0.0'))).toBe(now + 5 * day)
})

test('what is not seen any more is forgotten, but for repositories that were not looked at', () => {
  const known = { x: { a: '2026-01-01T00:00:00.000Z' }, y: { b: '2026-01-01T00:00:00.000Z' } }
  const seen = new FirstSeen(known, now)
  seen.writtenAt('x', digest('c'), [])
  expect(seen.sightings()).toEqual({ x: { [digest('c')]: new Date(now).toISOString() }, y: known.y })
})

test('a sighting in the future counts as one of now', () => {
  const key = `1.0.0@${digest('a')}`
  const seen = new FirstSeen({ x: { [key]: new Date(now + 1000 * day).toISOString() } }, now)
  expect(seen.writtenAt('x', digest('a'), tags('1.0.0'))).toBe(now)
})

test('the file is read as it was written, and nothing else is', () => {
  const sightings = { x: { [digest('a')]: new Date(now).toISOString() } }
  expect(readSightings(writeSightings(sightings), 'state.json')).toEqual(sightings)
  for (const text of ['', '[]', '{"version":1}', '{"version":1,"repositories":{"x":{"a":"yesterday"}}}'])
    expect(() => readSightings(text, 'state.json')).toThrow('state.json is no file of first sightings')
})
