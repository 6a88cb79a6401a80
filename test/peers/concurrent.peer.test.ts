import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { commit, extensionFiles, git, tagOf, write } from './generated.ts'
import { startRegistry } from './registries.ts'
import { outcomes, release } from './slipway.ts'

const releasers = 16
const names = Array.from({ length: 60 }, (_, at) => `service-${String(at).padStart(2, '0')}`)
/** Half of the extensions are byte for byte the same in every version, but for the manifest. */
const contentOf = (name: string, at: number, version: string) =>
  at % 2 === 0 ? 'shared' : `${name} ${version}`

let scratch: string
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'slipway-concurrent-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

/** The highest stable version is released neither first nor last. */
const versions = Array.from({ length: releasers }, (_, at) =>
  at === 3 ? '2.0.0' : at === 9 ? '3.0.0-rc.1' : `1.${at}.0`,
)

async function repository(): Promise<string> {
  const folder = join(scratch, 'repository')
  await write(folder, { 'README.md': '# Services\n' })
  git(folder, ['init', '-q', '-b', 'main'])
  for (const version of versions) {
    for (const [at, name] of names.entries())
      await write(folder, extensionFiles({ name, version, content: contentOf(name, at, version) }))
    commit(
      folder,
      names.map((name) => tagOf({ name, version })),
    )
  }
  return folder
}

const json = async (url: string) => (await fetch(url)).json() as Promise<{ tags: string[] }>

it('16 releases of 60 extensions at once into one registry: none fails, every tag and latest is right', async () => {
  const folder = await repository()
  await using registry = await startRegistry('distribution2')
  const to = ['--to', `oci://${registry.url}/x`, '-C', folder]
  const results = await Promise.all(
    versions.map((version) =>
      release([...names.map((name) => tagOf({ name, version })), ...to], { timeout: 240_000 }),
    ),
  )
  for (const result of results) {
    expect(result, result.stderr).toMatchObject({ code: 0 })
    expect(result.releases).toHaveLength(names.length)
    expect(outcomes(result)).toEqual(['published'])
  }
  const base = `http://${registry.url}/v2/x`
  const digest = async (name: string, tag: string) => {
    const accept = 'application/vnd.oci.image.manifest.v1+json'
    const response = await fetch(`${base}/${name}/manifests/${tag}`, { method: 'HEAD', headers: { accept } })
    return response.headers.get('docker-content-digest')
  }
  for (const name of names) {
    const { tags } = await json(`${base}/${name}/tags/list`)
    expect(tags.sort()).toEqual([...versions, 'latest'].sort())
    for (const [at, version] of versions.entries()) {
      const released = results[at]?.releases.find((one) => one.name === name)
      expect(await digest(name, version)).toBe(released?.digest)
    }
    expect(await digest(name, 'latest')).toBe(await digest(name, '2.0.0'))
  }
}, 300_000)

it('16 releases of the same 60 tags at once: none fails, and all end at one digest', async () => {
  const folder = join(scratch, 'repository')
  await using registry = await startRegistry('distribution2')
  const tags = names.map((name) => tagOf({ name, version: '2.0.0' }))
  const results = await Promise.all(
    versions.map(() =>
      release([...tags, '-C', folder, '--to', `oci://${registry.url}/x`], { timeout: 240_000 }),
    ),
  )
  for (const result of results) {
    expect(result, result.stderr).toMatchObject({ code: 0 })
    for (const [at, one] of result.releases.entries())
      expect(one.targets[0]?.digest).toBe(results[0]?.releases[at]?.digest)
  }
}, 300_000)
