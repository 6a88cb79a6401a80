import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Opener } from '../../src/open/open.ts'
import { parseTarget } from '../../src/store/address.ts'
import { depsResolve } from '../../src/tasks/deps-resolve.ts'
import { type FakeRegistry, startFakeRegistry } from '../fake/registry.ts'
import { publishedKcl } from '../sources/published.ts'
import { extension, type Project, project, versionsOf, write } from './solving.ts'

const mod = (name: string, dependencies = '') =>
  `[package]\nname = "${name}"\nversion = "1.0.0"\n\n[dependencies]\n${dependencies}`

const at = ({ host }: FakeRegistry, repository: string) =>
  `${repository.split('/').at(-1)} = { oci = "oci://${host}/${repository}", tag = "1.0.0" }\n`

async function fake(): Promise<FakeRegistry> {
  const started = await startFakeRegistry()
  onTestFinished(() => started[Symbol.asyncDispose]())
  return started
}

/** A repository whose one KCL package has these dependencies. */
function needing(dependencies: string): Project {
  const one = project()
  write(one.directory, { 'kcl/net/kcl.mod': mod('net', dependencies), 'kcl/net/net.k': 'a = 1\n' })
  return one
}

/** Publishes 1.0.0 of the package that the repository is named like. */
async function push(one: Project, { host }: FakeRegistry, repository: string, dependencies = '') {
  const name = repository.split('/').at(-1) ?? ''
  await one.run(async ({ open }) =>
    publishedKcl(await open(parseTarget(`oci://${host}`)), repository, mod(name, dependencies)),
  )
}

function sourcesIn({ lock }: Awaited<ReturnType<Project['resolve']>>) {
  return Object.fromEntries(lock.packages.map(({ id, source }) => [id, source]))
}

const edit = (one: Project, from: string, to: string) => {
  const text = one.lock() ?? ''
  expect(text).toContain(from)
  writeFileSync(join(one.directory, 'slipway.lock'), text.replaceAll(from, to))
}

const refusal = async (one: Project) => {
  const error = await one.resolve({ frozen: true }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'LOCK_OUT_OF_DATE', exit: 3 })
  return (error as Error).message
}

describe('a KCL package that kcl.mod says the address of', () => {
  it('is locked from there, with what it needs itself, where no source has it', async () => {
    const [near, far] = [await fake(), await fake()]
    const one = needing(at(near, 'org/x'))
    await push(one, near, 'org/x', at(far, 'elsewhere/deep/y'))
    await push(one, far, 'elsewhere/deep/y')
    const result = await one.resolve()
    expect(versionsOf(result)).toEqual({ 'kcl:net': '1.0.0', 'kcl:x': '1.0.0', 'kcl:y': '1.0.0' })
    expect(sourcesIn(result)).toMatchObject({
      'kcl:x': `oci://${near.host}/org/x`,
      'kcl:y': `oci://${far.host}/elsewhere/deep/y`,
    })
    expect(result.lock.packages.find(({ id }) => id === 'kcl:y')?.manifest).toMatch(/^sha256:/)
    expect(one.events.filter(({ type }) => type === 'warning')).toEqual([])
    const frozen = await one.resolve({ frozen: true })
    expect(frozen.lock).toEqual(result.lock)
    const again = await one.resolve({ offline: true })
    expect(again).toMatchObject({ written: false })
    expect(again.lock).toEqual(result.lock)
  })

  it('is found by the schema of an extension that is published, too', async () => {
    const near = await fake()
    const one = project()
    write(one.directory, { ...extension('a', '1.0.0'), 'taskservs/a/kcl/kcl.mod': mod('a', at(near, 'x')) })
    await push(one, near, 'x')
    expect(sourcesIn(await one.resolve())).toMatchObject({ 'kcl:x': `oci://${near.host}/x` })
  })

  it('comes from a source that has it, and then the address is not asked', async () => {
    const [near, far] = [await fake(), await fake()]
    const one = needing(at(far, 'org/x'))
    await push(one, near, 'acme/provisioning-kcl/x')
    const sources = [parseTarget(`oci://${near.host}/acme`)]
    const result = await one.resolve({ sources, sourcesGiven: true })
    expect(sourcesIn(result)).toMatchObject({ 'kcl:x': `oci://${near.host}/acme/provisioning-kcl/x` })
    expect(far.log()).toEqual([])
  })

  it('is left to KCL’s own client where the address has no such repository either', async () => {
    const near = await fake()
    const one = needing(at(near, 'org/x'))
    expect(versionsOf(await one.resolve())).toEqual({ 'kcl:net': '1.0.0' })
    expect(one.events).toContainEqual(expect.objectContaining({ code: 'KCL_ELSEWHERE' }))
  })

  it('is not locked where it is another package than it is sought as', async () => {
    const near = await fake()
    const one = needing(at(near, 'org/x'))
    await one.run(async ({ open }) =>
      publishedKcl(await open(parseTarget(`oci://${near.host}`)), 'org/x', mod('other')),
    )
    await expect(one.resolve()).rejects.toMatchObject({
      code: 'UNSATISFIABLE',
      message: expect.stringContaining('has the manifest of other'),
    })
  })

  it('fails with the address in the message where its host does not answer', async () => {
    const one = needing('x = { oci = "oci://127.0.0.1:1/org/x", tag = "1.0.0" }\n')
    await expect(one.resolve()).rejects.toMatchObject({
      message: expect.stringContaining('127.0.0.1:1/org/x'),
    })
  })

  it('is asked for without the credential that was given for a source', async () => {
    const auth = { kind: 'basic', username: 'u', password: 'p' } as const
    const [near, far] = [await startFakeRegistry({ auth }), await startFakeRegistry({ auth })]
    for (const each of [near, far]) onTestFinished(() => each[Symbol.asyncDispose]())
    const one = needing(at(far, 'org/x'))
    const credential = { ...auth, source: '--password-stdin' }
    await using opener = new Opener({
      environment: {},
      userAgent: 'test',
      credentials: [{ host: near.host, credential }],
    })
    const sources = [parseTarget(`oci://${near.host}/acme`)]
    const options = { ...one.options({ sources, sourcesGiven: true }), frozen: false, dryRun: false }
    const resolving = one.run((context) =>
      depsResolve(options, { ...context, open: (place) => opener.open(place) }),
    )
    await expect(resolving).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringContaining(far.host),
    })
    const sent = (fake: FakeRegistry) =>
      fake.requests.some(({ headers }) => headers.authorization !== undefined)
    expect([sent(near), sent(far), far.requests.length > 0]).toEqual([true, false, true])
  })

  it('comes from the address of the repository’s own kcl.mod where a dependency names another, which is told', async () => {
    const [near, far] = [await fake(), await fake()]
    // Whichever of the two comes first in the alphabet, its own counts.
    for (const [own, other] of [
      [near, far],
      [far, near],
    ] as const) {
      const one = needing(`${at(near, 'org/y')}${at(own, 'org/x')}`)
      await push(one, near, 'org/y', at(other, 'org/x'))
      for (const each of [near, far]) await push(one, each, 'org/x')
      expect(sourcesIn(await one.resolve())).toMatchObject({ 'kcl:x': `oci://${own.host}/org/x` })
      expect(one.events.filter(({ type }) => type === 'warning')).toMatchObject([
        {
          code: 'KCL_SOURCE_AMBIGUOUS',
          message: expect.stringMatching(`from oci://${own.host}/org/x; .*${other.host}`),
        },
      ])
      await one.resolve({ frozen: true })
    }
  })
})

describe('a lock with addresses of KCL packages', () => {
  async function locked() {
    const [near, far] = [await fake(), await fake()]
    const one = needing(at(near, 'org/x'))
    await push(one, near, 'org/x', at(far, 'org/y'))
    for (const repository of ['org/y', 'evil/y', 'evil/x']) await push(one, far, repository)
    await one.resolve()
    return { one, near, far }
  }

  it('is refused with an address that the repository’s own kcl.mod does not name', async () => {
    const { one, near, far } = await locked()
    edit(one, `oci://${near.host}/org/x`, `oci://${far.host}/evil/x`)
    expect(await refusal(one)).toContain(`kcl:x is at oci://${far.host}/evil/x in the lock`)
  })

  it('is refused with an address that no locked package names', async () => {
    const { one, far } = await locked()
    edit(one, `oci://${far.host}/org/y`, `oci://${far.host}/evil/y`)
    expect(await refusal(one)).toContain(`kcl:y is at oci://${far.host}/evil/y in the lock`)
  })

  it('is refused with addresses that only packages at such addresses name', async () => {
    const { one, far } = await locked()
    await push(one, far, 'evil/two', at(far, 'evil/one'))
    await push(one, far, 'evil/one')
    const text = one.lock() ?? ''
    const x = /^ {2}kcl:x:\n(?: {4}.*\n)*/m.exec(text)?.[0] ?? ''
    expect(x).toContain('kcl:y: =1.0.0')
    const entry = (name: string, needs: string) =>
      x
        .replace('kcl:x:', `kcl:${name}:`)
        .replace(/source: .*/, `source: oci://${far.host}/evil/${name}`)
        .replace('kcl:y', `kcl:${needs}`)
    const more = `${entry('one', 'y')}${entry('two', 'one')}`
    writeFileSync(join(one.directory, 'slipway.lock'), text.replace(x, `${more}${x}`))
    const message = await refusal(one)
    expect(message).toContain(`kcl:one is at oci://${far.host}/evil/one`)
    expect(message).toContain(`kcl:two is at oci://${far.host}/evil/two`)
  })

  it('is refused where the package that named the address is another one by now', async () => {
    const { one, near, far } = await locked()
    await push(one, near, 'org/x', `${at(far, 'org/y')}# changed\n`)
    expect(await refusal(one)).toContain('kcl:y is at')
  })

  it('is out of date where kcl.mod names another place by now', async () => {
    const { one, near, far } = await locked()
    write(one.directory, { 'kcl/net/kcl.mod': mod('net', at(far, 'evil/x')) })
    expect(await refusal(one)).toContain(`kcl:x is at oci://${near.host}/org/x in the lock`)
  })

  it('asks nobody for what the repository’s own kcl.mod names', async () => {
    const near = await fake()
    const one = needing(at(near, 'org/x'))
    await push(one, near, 'org/x')
    await one.resolve()
    near.clearLog()
    rmSync(one.options().cacheDirectory, { recursive: true })
    await one.resolve({ frozen: true })
    expect(near.log()).toEqual([])
  })
})
