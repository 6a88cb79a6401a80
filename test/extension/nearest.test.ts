import { expect, test } from 'vitest'
import { didYouMean, nearest } from '../../src/extension/nearest.ts'

test('two letters that changed places are found in short words too, before what is merely near', () => {
  expect(nearest('etdc', ['etc', 'etcd', 'redis'])).toBe('etcd')
  expect(didYouMean('aws', ['was', 'gcp'])).toBe('Did you mean was?')
})

test('a letter more, less or different is near, anything else is not', () => {
  expect(nearest('kubernets', ['kubernetes', 'redis'])).toBe('kubernetes')
  expect(nearest('Redis', ['redis'])).toBe('redis')
  expect(nearest('mysql', ['redis', 'etcd'])).toBeUndefined()
  expect(nearest('etcd', [])).toBeUndefined()
})
