import { expect, test } from 'vitest'
import { solved } from './registry.ts'

const lowest = { lowest: () => true }

test('the lowest version that fits is chosen where lower bounds are tested', async () => {
  const registry = { 'a 1.0.0': 'b >=1.1.0', 'a 1.1.0': '', 'b 1.0.0': '', 'b 1.1.0': '', 'b 2.0.0': '' }
  expect(await solved(registry, 'a *', lowest)).toBe('a 1.0.0, b 1.1.0')
  expect(await solved(registry, 'a *')).toBe('a 1.1.0')
})

test('lowest counts for each package for itself', async () => {
  const registry = { 'a 1.0.0': 'b *', 'a 2.0.0': 'b *', 'b 1.0.0': '', 'b 2.0.0': '' }
  expect(await solved(registry, 'a *', { lowest: (id) => id === 'b' })).toBe('a 2.0.0, b 1.0.0')
})

test('a minimum that only a dependency asks for raises the shared package and leaves the dependency as it is', async () => {
  const registry = {
    'kcl:app 1.0.0': 'kcl:k8s >=1.32.0',
    'kcl:app 1.1.0': 'kcl:k8s >=1.31.0',
    'kcl:k8s 1.31.0': '',
    'kcl:k8s 1.32.0': '',
    'kcl:k8s 1.33.0': '',
  }
  expect(await solved(registry, 'kcl:k8s >=1.31.0, kcl:app >=1.0.0', lowest)).toBe(
    'kcl:app 1.0.0, kcl:k8s 1.32.0',
  )
})

test('a minimum that is found deep in the graph raises a package that was chosen long before', async () => {
  const registry = {
    'shared 1.0.0': '',
    'shared 1.1.0': '',
    'shared 1.2.0': '',
    'a 1.0.0': 'b >=1.0.0, shared >=1.0.0',
    'a 2.0.0': '',
    'b 1.0.0': 'c >=1.0.0, shared >=1.1.0',
    'b 2.0.0': '',
    'c 1.0.0': 'shared >=1.2.0',
    'c 2.0.0': '',
  }
  expect(await solved(registry, 'a >=1.0.0, shared >=1.0.0', lowest)).toBe(
    'a 1.0.0, b 1.0.0, c 1.0.0, shared 1.2.0',
  )
})

test('an extension keeps its newest version where the KCL package that it shares can be raised', async () => {
  const registry = {
    'web 1.0.0': 'kcl:k8s >=1.31.0',
    'web 2.0.0': 'kcl:k8s >=1.32.0',
    'kcl:k8s 1.31.0': '',
    'kcl:k8s 1.32.0': '',
  }
  expect(await solved(registry, 'kcl:k8s >=1.31.0, web *', { lowest: (id) => id.startsWith('kcl:') })).toBe(
    'kcl:k8s 1.32.0, web 2.0.0',
  )
})

test('packages that raise each other round and round come to an end', async () => {
  const registry: Record<string, string> = {}
  for (let version = 1; version <= 60; version++) {
    registry[`a ${version}.0.0`] = `b >=${Math.min(60, version + 1)}.0.0`
    registry[`b ${version}.0.0`] = `a >=${Math.min(60, version + 1)}.0.0`
  }
  expect(await solved(registry, 'a *', lowest)).toBe('a 60.0.0, b 60.0.0')
})
