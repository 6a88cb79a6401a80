import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseTag } from '../../src/oci/reference.ts'
import { Opener } from '../../src/open/open.ts'
import { parseTarget } from '../../src/store/address.ts'
import { slipway } from '../cli/terminal.ts'
import { artifact } from '../publishing/artifacts.ts'
import { published, taskserv } from '../sources/published.ts'
import { peer, type RunningRegistry, run, startRegistry } from './registries.ts'

let scratch: string

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'slipway-delete-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

const command = (...args: string[]) => slipway(args, { cwd: scratch, environment: { HOME: scratch } })

async function push(registry: RunningRegistry, name: string, ...tags: string[]): Promise<string> {
  await using opener = new Opener({ environment: {}, userAgent: 'slipway-test' })
  const store = (await opener.open(parseTarget(`oci://${registry.url}`))).repository('x/kubernetes')
  const encoded = await artifact(store, name)
  await store.tag(encoded, tags.map(parseTag))
  return encoded.descriptor.digest
}

/** What another client finds under a reference. */
const crane = async (...args: string[]) => {
  const { code, stdout } = await run(peer('crane'), [...args, '--insecure'])
  return code === 0 ? stdout.trim() : undefined
}

const sign = (reference: string) =>
  run(peer('oras'), [
    'attach',
    '--plain-http',
    '--artifact-type',
    'application/x.signature',
    '--annotation',
    'a=b',
    reference,
  ])

describe('distribution 2.8 that deletes', () => {
  let registry: RunningRegistry
  beforeAll(async () => {
    registry = await startRegistry('distribution2')
  })
  afterAll(() => registry.stop())

  it('lets a tag go with its content, and no tag of two', async () => {
    const place = `${registry.url}/x/kubernetes`
    const digest = await push(registry, 'a', '1.0.0', '1')
    expect(await crane('digest', `${place}:1`)).toBe(digest)
    const shared = await command('delete', `oci://${place}:1`, '--yes')
    expect(shared.exit).toBe(3)
    expect(shared.stderr).toContain('TAG_STAYS')
    expect(await crane('digest', `${place}:1`)).toBe(digest)
    const both = await command('delete', `oci://${place}:1`, '--yes', '--with-tags')
    expect(both.exit, both.stderr).toBe(0)
    expect(await crane('digest', `${place}:1.0.0`)).toBeUndefined()
    expect(await crane('digest', `${place}@${digest}`)).toBeUndefined()
  })

  it('lets what another client signed go only with its signature', async () => {
    const place = `${registry.url}/x/kubernetes`
    const digest = await push(registry, 'b', '2.0.0')
    expect((await sign(`${place}:2.0.0`)).code).toBe(0)
    const list = `${place}:${digest.replace(':', '-')}`
    expect(await crane('digest', list)).toMatch(/^sha256:/)
    const refused = await command('delete', `oci://${place}:2.0.0`, '--yes')
    expect(refused.exit).toBe(3)
    expect(refused.stderr).toContain('DELETE_REFUSED')
    expect(await crane('digest', `${place}:2.0.0`)).toBe(digest)
    const { exit, stdout, stderr } = await command(
      'delete',
      `oci://${place}:2.0.0`,
      '--yes',
      '--referrers',
      '--json',
    )
    expect(exit, stderr).toBe(0)
    expect(JSON.parse(stdout).repositories[0].applied.deleted).toHaveLength(3)
    expect(await crane('digest', `${place}@${digest}`)).toBeUndefined()
    expect(await crane('digest', list)).toBeUndefined()
  })

  it('is searched and catalogued', async () => {
    await using opener = new Opener({ environment: {}, userAgent: 'slipway-test' })
    const opened = await opener.open(parseTarget(`oci://${registry.url}`))
    const facts = { description: 'Plugins for the network' }
    await published(opened, { manifest: taskserv('cni', '1.2.0', { containerd: '*' }, facts) })
    const target = `oci://${registry.url}/extensions`
    const found = await command('search', 'network', '--source', target, '--json')
    expect(JSON.parse(found.stdout).packages).toMatchObject([{ name: 'cni', highest: '1.2.0' }])
    const { stdout } = await command('catalog', target, '--json')
    expect(JSON.parse(stdout).packages).toMatchObject([
      {
        name: 'cni',
        digest: await crane('digest', `${registry.url}/extensions/cni:1.2.0`),
        dependencies: { containerd: '*' },
      },
    ])
  })
})

describe('distribution 2.8 that does not delete', () => {
  it('is told apart, with the switch that turns it on, and loses nothing', async () => {
    await using registry = await startRegistry('distribution2', { delete: false })
    const place = `${registry.url}/x/kubernetes`
    const digest = await push(registry, 'a', '1.0.0')
    const { exit, stdout } = await command('delete', `oci://${place}:1.0.0`, '--yes')
    expect(exit).toBe(1)
    expect(stdout).toContain('error[DELETE_UNSUPPORTED]')
    expect(stdout).toContain('REGISTRY_STORAGE_DELETE_ENABLED=true')
    expect(await crane('digest', `${place}:1.0.0`)).toBe(digest)
  })
})
