import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { peer, type RegistryKind, run, startRegistry } from './registries.ts'
import { slipway, startSlipway } from './slipway.ts'

let scratch: string
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'slipway-mirror-'))
  await writeFile(join(scratch, 'greeting.txt'), 'hello\n')
  await writeFile(join(scratch, 'sbom.json'), '{"packages":[]}\n')
  await client('cosign', 'generate-key-pair')
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

async function client(name: string, ...args: string[]): Promise<string> {
  const env = { DOCKER_CONFIG: scratch, COSIGN_PASSWORD: '' }
  const { stdout, stderr, code } = await run(peer(name), args, { cwd: scratch, env })
  if (code !== 0) throw new Error(`${name} ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** An artifact with an SBOM and both forms of cosign's signatures. Its digest. */
async function publish(host: string, name: string): Promise<string> {
  const reference = `${host}/${name}:1.0.0`
  await client('oras', 'push', '--plain-http', reference, 'greeting.txt')
  await client('oras', 'attach', '--plain-http', '--artifact-type', 'text/sbom', reference, 'sbom.json')
  const digest = (await client('oras', 'resolve', '--plain-http', reference)).trim()
  for (const bundle of [true, false]) await sign(`${host}/${name}@${digest}`, bundle)
  return digest
}

async function sign(reference: string, bundle: boolean): Promise<void> {
  const offline = ['--tlog-upload=false', '--use-signing-config=false', `--new-bundle-format=${bundle}`]
  await client('cosign', 'sign', '--yes', '--key', 'cosign.key', ...offline, reference)
}

async function verify(reference: string, bundle: boolean): Promise<unknown> {
  const how = ['--insecure-ignore-tlog=true', `--new-bundle-format=${bundle}`]
  return JSON.parse(await client('cosign', 'verify', '--key', 'cosign.pub', '-o', 'json', ...how, reference))
}

async function mirror(from: string, to: string, ...flags: string[]) {
  const file = join(scratch, 'mirror.yaml')
  const way = { from: `oci://${from}`, to: [`oci://${to}`] }
  await writeFile(file, JSON.stringify({ version: 1, mirrors: [way] }))
  const { stdout, stderr, code } = await slipway(['mirror', '-f', file, '--json', ...flags])
  if (code === 2) throw new Error(stderr)
  return { code, result: JSON.parse(stdout) }
}

/** What oras shows of the SBOM and the bundle, whatever the registry keeps them in. */
async function types(reference: string): Promise<string[]> {
  const text = await client('oras', 'discover', '--plain-http', '--format', 'json', reference)
  const { referrers } = JSON.parse(text) as { referrers: { artifactType: string }[] }
  return referrers.map((one) => one.artifactType).sort()
}

const ways: readonly (readonly [RegistryKind, RegistryKind, RegistryKind])[] = [
  ['distribution2', 'referrers', 'distribution3'],
  ['distribution3', 'referrers', 'distribution2'],
]

describe.each(ways)('%s → %s → %s', (first, second, third) => {
  it('signatures and SBOMs arrive in the form that each registry has, and others verify them', async () => {
    await using a = await startRegistry(first)
    await using b = await startRegistry(second)
    await using c = await startRegistry(third)
    const digest = await publish(a.url, 'tools/one')
    for (const [from, to] of [
      [a, b],
      [b, c],
    ] as const) {
      expect((await mirror(from.url, to.url)).code).toBe(0)
      const reference = `${to.url}/tools/one:1.0.0`
      expect((await client('oras', 'resolve', '--plain-http', reference)).trim()).toBe(digest)
      // In a fallback tag cosign lists its bundle under the type of the empty config.
      expect(await types(reference)).toEqual([expect.stringMatching(/sigstore.bundle|empty/), 'text/sbom'])
      for (const bundle of [true, false])
        expect(await verify(`${to.url}/tools/one@${digest}`, bundle)).toHaveLength(1)
      const again = await mirror(from.url, to.url)
      expect(again.result).toMatchObject({ exit: 0, total: { tags: { copied: 0 }, bytes: { uploaded: 0 } } })
      expect((await mirror(from.url, to.url, '--verify')).code).toBe(0)
    }
    // A signature that comes later, in either form, reaches the end of the chain.
    for (const bundle of [true, false]) await sign(`${a.url}/tools/one@${digest}`, bundle)
    await mirror(a.url, b.url)
    await mirror(b.url, c.url)
    expect((await mirror(a.url, c.url, '--verify')).code).toBe(0)
  })
})

describe('a mirror that is killed', () => {
  it('leaves nothing torn, and the next run completes', async () => {
    await using a = await startRegistry('distribution2')
    await using b = await startRegistry('distribution2')
    const names = Array.from({ length: 8 }, (_, at) => `tools/r${at}`)
    for (const name of names)
      await client('oras', 'push', '--plain-http', `${a.url}/${name}:1.0.0,1.0,latest`, 'greeting.txt')
    const file = join(scratch, 'killed.yaml')
    const way = { from: `oci://${a.url}`, to: [`oci://${b.url}`] }
    await writeFile(file, JSON.stringify({ version: 1, mirrors: [way] }))
    for (const after of [120, 180, 240, 300, 360]) {
      const child = startSlipway(['mirror', '-f', file])
      const ended = once(child, 'close')
      await Promise.race([sleep(after), ended])
      child.kill('SIGKILL')
      await ended
      const { stdout } = await run(peer('oras'), ['repo', 'ls', '--plain-http', b.url])
      for (const name of stdout.split('\n').filter(Boolean)) {
        const tags = await client('oras', 'repo', 'tags', '--plain-http', `${b.url}/${name}`).catch(() => '')
        for (const tag of tags.split('\n').filter(Boolean)) {
          const to = await mkdtemp(join(scratch, 'pulled-'))
          await client('oras', 'pull', '--plain-http', `${b.url}/${name}:${tag}`, '-o', to)
        }
      }
    }
    expect((await mirror(a.url, b.url)).code).toBe(0)
    expect((await mirror(a.url, b.url, '--verify')).result).toMatchObject({
      exit: 0,
      total: { tags: { unchanged: 24 } },
    })
  })
})
