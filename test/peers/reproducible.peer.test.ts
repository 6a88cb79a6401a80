import { cp, mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { commit, git } from './generated.ts'
import { peer, run } from './programs.ts'
import { release } from './slipway.ts'

const examples = resolve(import.meta.dirname, '../../examples/provisioning-extensions')
const tags = ['taskservs/kubernetes/v1.28.0', 'providers/aws/v2.4.0', 'clusters/web/v2.1.0']
const nodes = ['node22', 'node24', 'node26']

let scratch: string
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'slipway-same-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

/** Copies a folder entry by entry in the given order, so that the file system lists it otherwise. */
async function copyInOrder(from: string, to: string, backwards: boolean, time: Date): Promise<void> {
  await mkdir(to, { recursive: true })
  const names = (await readdir(from, { withFileTypes: true })).filter(({ name }) => name !== '.slipway')
  names.sort((a, b) => (a.name < b.name ? -1 : 1) * (backwards ? -1 : 1))
  for (const entry of names) {
    const path = join(to, entry.name)
    if (entry.isDirectory()) await copyInOrder(join(from, entry.name), path, backwards, time)
    else {
      await cp(join(from, entry.name), path)
      await utimes(path, time, time)
    }
  }
}

interface Circumstances {
  readonly node: string
  readonly umask: string
  readonly zone: string
  readonly committed: string | undefined
  readonly backwards: boolean
}

const zones = ['UTC', 'Asia/Kathmandu', 'America/St_Johns']
const umasks = ['022', '077', '002']
/** Each Node with a commit of its own, another zone and umask; and each once without git. */
const all: readonly Circumstances[] = nodes.flatMap((node, at) =>
  [`20${20 + at}-0${at + 1}-03T04:05:06Z`, undefined].map((committed) => ({
    node,
    umask: umasks[(at + (committed === undefined ? 1 : 0)) % 3] ?? '022',
    zone: zones[(at + (committed === undefined ? 1 : 0)) % 3] ?? 'UTC',
    committed,
    backwards: at % 2 === 0,
  })),
)

it('gives one layer and config digest on three Nodes, whatever commit, umask, time zone, times and file order', async () => {
  const digests = new Set<string>()
  const manifests = new Set<string>()
  const versions = new Set<string>()
  for (const [at, { node, umask, zone, committed, backwards }] of all.entries()) {
    const folder = join(scratch, `tree-${at}`)
    await copyInOrder(examples, folder, backwards, new Date(1e12 + at * 1e10))
    if (committed !== undefined) {
      git(folder, ['init', '-q', '-b', 'main'])
      commit(folder, tags, committed)
    }
    versions.add((await run(peer(node), ['--version'])).stdout.split('.')[0] ?? '')
    // A shell in between sets the umask for the process itself.
    const env = { TZ: zone, UMASK: umask, REAL_NODE: peer(node) }
    const result = await release([...tags, '-C', folder, '--to', `layout:${folder}-out`, '--skip-tests'], {
      node: join(import.meta.dirname, 'node-with-umask.sh'),
      env,
    })
    expect(result, result.stderr).toMatchObject({ code: 0 })
    digests.add(result.releases.map(({ layer, config }) => `${layer} ${config}`).join('\n'))
    manifests.add(result.releases.map(({ digest }) => digest).join('\n'))
  }
  expect([...versions].sort()).toEqual(['v22', 'v24', 'v26'])
  expect([...digests]).toHaveLength(1)
  // The commits do differ: each stands in its manifest. Without git there is one manifest.
  expect(manifests.size).toBe(nodes.length + 1)
})
