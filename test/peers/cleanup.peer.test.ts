import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  peer,
  peerOrSkip,
  type RegistryKind,
  type RunningRegistry,
  run,
  startRegistry,
} from './registries.ts'
import { slipway } from './slipway.ts'

const zot = peerOrSkip('zot')
const versions = ['1.0.0', '1.1.0', '1.2.0', '1.3.0']

/** Whether a tag can go there while its content stays. */
const untags: Partial<Record<RegistryKind, boolean>> = {
  distribution2: false,
  distribution3: true,
  zot: true,
}

for (const kind of ['distribution2', 'distribution3', 'zot'] as const) {
  const missing = kind === 'zot' ? zot.reason : undefined
  describe.skipIf(missing !== undefined)(`cleanup at ${kind}${missing ? ` (${missing})` : ''}`, () => {
    let folder: string
    let registry: RunningRegistry

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'slipway-cleanup-'))
      registry = await startRegistry(kind)
      await writeFile(join(folder, 'amd64.txt'), 'amd64\n')
      await writeFile(join(folder, 'arm64.txt'), 'arm64\n')
      await writeFile(join(folder, 'note.txt'), 'signed\n')
      for (const version of versions) {
        // What no other version has, beside a platform that all of them share.
        await writeFile(join(folder, 'amd64.txt'), `${version}\n`)
        const own = await push(`amd-${version}`, 'amd64.txt')
        const shared = await push('shared', 'arm64.txt')
        await oras('manifest', 'index', 'create', at(version), own, shared)
        await oras('attach', '--artifact-type', 'text/signature', at(version), 'note.txt')
        await oras('attach', '--artifact-type', 'text/signature', `${at()}@${own}`, 'note.txt')
      }
      await oras('tag', at('1.3.0'), 'latest')
      await oras('tag', at('1.0.0'), 'lts')
      // The names of platforms only helped to push.
      await writeFile(
        join(folder, 'retention.yaml'),
        [
          'version: 1',
          `source: oci://${registry.url}`,
          'caps: {share: 100}',
          'policies:',
          '  - {name: all, repositories: [x], keep: {newest: 1, tags: [lts, shared]}, otherTags: rules}',
          '',
        ].join('\n'),
      )
    }, 120_000)
    afterAll(async () => {
      await registry.stop()
      await rm(folder, { recursive: true, force: true })
    })

    const at = (tag?: string) => `${registry.url}/x/kubernetes${tag === undefined ? '' : `:${tag}`}`

    async function oras(...args: string[]): Promise<string> {
      const done = await run(peer('oras'), [...args, '--plain-http'], {
        cwd: folder,
        env: { DOCKER_CONFIG: folder },
      })
      expect(done.code, `${args.join(' ')}: ${done.stderr}`).toBe(0)
      return done.stdout
    }

    async function push(tag: string, file: string): Promise<string> {
      const text = await oras(
        'push',
        '--artifact-type',
        'text/plain',
        '--annotation',
        'org.opencontainers.image.created=2000-01-01T00:00:00Z',
        '--format',
        'json',
        at(tag),
        file,
      )
      return (JSON.parse(text) as { digest: string }).digest
    }

    async function tags(): Promise<string[]> {
      const all = (await oras('repo', 'tags', at()).catch(() => '')).trim().split('\n')
      return all.filter((tag) => !tag.startsWith('sha256-')).sort()
    }

    async function digestOf(reference: string): Promise<string | undefined> {
      const response = await fetch(`http://${registry.url}/v2/x/kubernetes/manifests/${reference}`, {
        headers: {
          accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json',
        },
      })
      await response.arrayBuffer()
      return response.status === 200 ? (response.headers.get('docker-content-digest') ?? '') : undefined
    }

    it('deletes what no rule keeps with its platforms and signatures, and nothing that something kept needs', async () => {
      const before = new Map<string, string | undefined>()
      for (const tag of [...versions, 'lts', 'shared', ...versions.map((one) => `amd-${one}`)])
        before.set(tag, await digestOf(tag))
      const planned = await slipway(
        ['cleanup', '-f', 'retention.yaml', '--plan', 'plan.json', ...backend(kind)],
        { cwd: folder },
      )
      expect(planned.code, planned.stderr).toBe(0)
      expect(await tags()).toHaveLength(11)

      const applied = await slipway(
        ['cleanup', '--apply', 'plan.json', '--archive', 'layout:gone', ...backend(kind)],
        { cwd: folder },
      )
      expect(applied.code, `${applied.stdout}${applied.stderr}`).toBe(0)
      const left = untags[kind] ? [] : ['1.0.0', 'amd-1.0.0', 'amd-1.3.0']
      expect(await tags()).toEqual(['1.3.0', 'latest', 'lts', 'shared', ...left].sort())

      for (const tag of ['1.3.0', 'lts']) {
        const found = JSON.parse(await oras('discover', '--format', 'json', at(tag))) as {
          referrers: unknown[]
        }
        expect(found.referrers).toHaveLength(1)
      }
      // By digest: 1.0.0 under lts, 1.3.0 and the shared platform are whole; 1.1.0 and 1.2.0 are gone with all of theirs.
      for (const tag of ['1.0.0', '1.3.0', 'shared', 'amd-1.0.0', 'amd-1.3.0'])
        expect(await digestOf(before.get(tag) ?? ''), tag).toBe(before.get(tag))
      for (const tag of ['1.1.0', '1.2.0', 'amd-1.1.0', 'amd-1.2.0'])
        expect(await digestOf(before.get(tag) ?? ''), tag).toBeUndefined()
      const restore = JSON.parse(await readFile(join(folder, 'plan.restore.json'), 'utf8'))
      expect(restore.repositories[0].deleted.length).toBeGreaterThanOrEqual(8)

      // What went can be had back, digest for digest.
      const back = await run(
        peer('oras'),
        ['cp', '-r', '--from-oci-layout', 'gone/x/kubernetes:1.1.0', '--to-plain-http', at('1.1.0')],
        {
          cwd: folder,
          env: { DOCKER_CONFIG: folder },
        },
      )
      expect(back.code, back.stderr).toBe(0)
      expect(await digestOf('1.1.0')).toBe(before.get('1.1.0'))
    }, 120_000)
  })
}

const backend = (kind: RegistryKind) => (kind === 'zot' ? ['--backend', 'zot'] : [])
