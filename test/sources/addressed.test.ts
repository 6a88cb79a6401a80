import { describe, expect, it, test } from 'vitest'
import { kclAnnotation } from '../../src/kcl/annotation.ts'
import { requirementOf } from '../../src/kcl/dependency.ts'
import { readKclMod } from '../../src/kcl/mod.ts'
import { type ProviderOptions, providerOf } from '../../src/sources/provider.ts'
import { kclRequirements } from '../../src/sources/requirements.ts'
import { resolve } from '../../src/sources/resolve.ts'
import type { PackageSource } from '../../src/sources/source.ts'
import { isRepositoryAddress } from '../../src/store/address.ts'
import { extensionId, isKcl, kclId } from '../../src/version/package-id.ts'
import { setOf } from '../../src/version/version-set.ts'
import { memorySource } from './memory-source.ts'

const needs = (name: string, text: string) => ({ id: extensionId(name), set: setOf(text), text })
const kcl = (name: string, text: string, at?: string) =>
  kclRequirements({ [name]: text }, at === undefined ? {} : { [name]: `oci://${at}` })[0] as never

/** What is solved of `top`, as `id version source`, where these packages are at these addresses. */
async function solved(
  add: Parameters<typeof memorySource>[0],
  places: Readonly<Record<string, Parameters<typeof memorySource>[0]>>,
  options: Partial<ProviderOptions> = {},
) {
  const opened: string[] = []
  const told: string[] = []
  const sourceAt = (address: string): PackageSource => {
    opened.push(address)
    return memorySource(places[address.slice('oci://'.length)] ?? {}, address)
  }
  await using provider = providerOf({
    sourcesOf: () => [memorySource(add)],
    sourceAt,
    core: [],
    locked: new Map(),
    onAddresses: (id, addresses) => told.push(`${id} ${addresses.join(' ')}`),
    ...options,
  })
  const roots = [{ ...needs('top', '*'), origin: 'x' }]
  const { packages } = await resolve(provider, { roots, lowest: isKcl })
  return { packages: packages.map(({ id, version, source }) => `${id} ${version} ${source}`), opened, told }
}

describe('a package that no source has', () => {
  it('is constrained by all that need it, also by those that name no address', async () => {
    const at = { 'a.example/x': { 'kcl:x 1.0.0': {}, 'kcl:x 2.0.0': {}, 'kcl:x 3.0.0': {} } }
    for (const [first, second] of [
      ['bare', 'told'],
      ['told', 'bare'],
    ] as const) {
      const found = await solved(
        {
          'top 1.0.0': { requires: [needs(first, '*'), needs(second, '*')] },
          'bare 1.0.0': { requires: [kcl('x', '>=2.0.0')] },
          'told 1.0.0': { requires: [kcl('x', '>=1.0.0', 'a.example/x')] },
        },
        at,
      )
      expect(found.packages).toContain('kcl:x 2.0.0 oci://a.example/x:kcl:x')
    }
  })

  it('is looked for only where the chosen version of what needs it says', async () => {
    const found = await solved(
      {
        'top 1.0.0': { requires: [needs('a', '*'), needs('b', '*')] },
        'a 2.0.0': { requires: [needs('b', '^9.0.0'), kcl('x', '*', 'new.example/x')] },
        'a 1.0.0': { requires: [kcl('x', '*', 'old.example/x')] },
        'b 1.0.0': {},
      },
      { 'new.example/x': { 'kcl:x 9.0.0': {} }, 'old.example/x': { 'kcl:x 1.0.0': {} } },
    )
    expect(found.packages).toContain('kcl:x 1.0.0 oci://old.example/x:kcl:x')
    expect(found.opened).toEqual(['oci://old.example/x'])
  })

  it('comes from the first of several addresses in order of the alphabet, whoever names it, which is told', async () => {
    for (const [one, other] of [
      ['a.example/x', 'b.example/x'],
      ['b.example/x', 'a.example/x'],
    ]) {
      const found = await solved(
        {
          'top 1.0.0': { requires: [needs('a', '*'), needs('b', '*')] },
          'a 1.0.0': { requires: [kcl('x', '*', one)] },
          'b 1.0.0': { requires: [kcl('x', '*', other)] },
        },
        { 'a.example/x': { 'kcl:x 1.0.0': {} }, 'b.example/x': { 'kcl:x 2.0.0': {} } },
      )
      expect(found.packages).toContain('kcl:x 1.0.0 oci://a.example/x:kcl:x')
      expect(found.told).toEqual(['kcl:x oci://a.example/x oci://b.example/x'])
    }
  })

  it('comes from the address that was named beforehand', async () => {
    const found = await solved(
      { 'top 1.0.0': { requires: [kcl('x', '*', 'a.example/x')] } },
      { 'a.example/x': { 'kcl:x 1.0.0': {} }, 'b.example/x': { 'kcl:x 2.0.0': {} } },
      { named: new Map([[kclId('x'), ['oci://b.example/x']]]) },
    )
    expect(found.packages).toContain('kcl:x 2.0.0 oci://b.example/x:kcl:x')
    expect(found.told).toEqual(['kcl:x oci://b.example/x oci://a.example/x'])
  })

  it('is refused where its own needs take back what names its address', async () => {
    const versions = {
      'top 1.0.0': { requires: [needs('a', '*')] },
      'a 2.0.0': { requires: [kcl('x', '*', 'a.example/x')] },
      'a 1.0.0': { requires: [kcl('x', '*')] },
    }
    const takesBack = { 'a.example/x': { 'kcl:x 1.0.0': { requires: [needs('a', '<2.0.0')] } } }
    await expect(solved(versions, takesBack)).rejects.toMatchObject({
      code: 'KCL_SOURCE_UNSETTLED',
      exit: 3,
      message: expect.stringContaining('kcl:x'),
    })
  })

  it('is left out where nobody opens addresses', async () => {
    await using provider = providerOf({
      sourcesOf: () => [memorySource({ 'top 1.0.0': { requires: [kcl('x', '*', 'a.example/x')] } })],
      core: [],
      locked: new Map(),
    })
    const { packages } = await resolve(provider, { roots: [{ ...needs('top', '*'), origin: 'x' }] })
    expect(packages.map(({ id }) => id)).toEqual(['top'])
  })
})

test.each([
  ['oci://ghcr.io/kcl-lang/k8s', true],
  ['oci://localhost:5000/x', true],
  ['oci://[::1]:5000/x', true],
  ['oci:///kcl-lang/k8s', false],
  ['oci://ghcr.io', false],
  ['oci://user:word@ghcr.io/x', false],
  ['oci://ghcr.io/x:1.0.0', false],
  ['oci://ghcr.io/x/', false],
  ['oci://ghcr.io/../x', false],
  ['oci://ghcr.io:99999/x', false],
  ['layout:/x#y', false],
  [`oci://${'h'.repeat(600)}/x`, false],
])('%s names a repository: %s', (text, is) => {
  expect(isRepositoryAddress(text)).toBe(is)
})

describe('an address in kcl.mod', () => {
  const modOf = (lines: string) =>
    readKclMod(Buffer.from(`[package]\nname = "net"\n[dependencies]\n${lines}`), 'kcl.mod').mod
  const placeOf = (line: string) => {
    const [one] = modOf(line)?.dependencies ?? []
    return one === undefined ? undefined : requirementOf(one)?.at
  }

  it('is taken where it names host and repository', () => {
    expect(placeOf('x = { oci = "oci://h.example/org/x?tag=1.0.0" }')).toBe('oci://h.example/org/x')
    expect(placeOf('x = { oci = "oci://h.example/org/x", version = "1.0.0" }')).toBe('oci://h.example/org/x')
    expect(placeOf('x = { repo = "org/x", tag = "1.0.0" }')).toBeUndefined()
    expect(placeOf('x = { oci = "oci://h..example:1:2/org/x", tag = "1.0.0" }')).toBeUndefined()
    expect(placeOf('x = "1.0.0"')).toBeUndefined()
  })

  it('is told on what is published, the first of two for one package', () => {
    const mod = modOf(`b = { oci = "oci://b.example/x", tag = "1.0.0" }
      a = { oci = "oci://a.example/x", tag = "1.0.0" }
      y = "1.0.0"`)
    expect(JSON.parse((mod && kclAnnotation(mod)) ?? '{}')).toEqual({
      name: 'net',
      version: '',
      dependencies: { x: '=1.0.0 =1.0.0', y: '>=1.0.0' },
      sources: { x: 'oci://a.example/x' },
    })
  })
})
