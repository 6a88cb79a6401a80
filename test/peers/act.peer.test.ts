import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { git, repositoryWith } from '../git/fixture.ts'
import { type ActHost, actHost } from './act.ts'
import { type RunningRegistry, startRegistry } from './registries.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tag = 'taskservs/redis/v7.4.1'

let scratch: string
let registry: RunningRegistry
let host: ActHost
let shelf: string
let caller: string

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'slipway-act-'))
  registry = await startRegistry('distribution2', { htpasswd: { user: 'me', password: 'correct-horse' } })
  host = actHost(scratch, ['release.yml'])
  host.standIn(
    'upload-artifact',
    'cp(process.env.INPUT_PATH, join(process.env.SHELF, process.env.INPUT_NAME, basename(process.env.INPUT_PATH)))',
  )
  host.standIn(
    'download-artifact',
    'cp(join(process.env.SHELF, process.env.INPUT_NAME), process.env.INPUT_PATH)',
  )
})
afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  rmSync(scratch, { recursive: true, force: true })
})

beforeEach(() => {
  const work = mkdtempSync(join(scratch, 'work-'))
  caller = join(work, 'extensions')
  shelf = join(work, 'shelf')
  const redis = 'taskservs/databases/redis'
  cpSync(join(root, 'examples/provisioning-extensions', redis), join(caller, redis), { recursive: true })
  // Worth a warning, which a runner shows as an annotation.
  appendFileSync(join(caller, redis, 'manifest.yaml'), 'auther: A\n')
})

/** Pushes the tag, as far as act knows, with a workflow of the caller's. */
async function push(workflow: string, extra: readonly string[] = []) {
  repositoryWith(caller, { '.github/workflows/release.yml': workflow })
  git(caller, 'tag', tag)
  const payload = { ref: `refs/tags/${tag}`, ref_type: 'tag' }
  return await host.run('push', payload, caller, ['--env', `SHELF=${shelf}`, ...extra])
}

interface Job {
  steps?: Record<string, unknown>[]
  with: Record<string, string>
  secrets: Record<string, string>
  uses: string
}

/** An example workflow with what its user would adapt. */
function adapted(name: string, adapt: (job: Job, jobs: Record<string, unknown>) => void): string {
  const workflow = parse(readFileSync(join(root, 'examples/workflows', name), 'utf8'))
  adapt(workflow.jobs.release, workflow.jobs)
  return stringify(workflow)
}

const expression = (text: string) => `\${{ ${text} }}`
const secret = ['-s', 'REGISTRY_TOKEN=correct-horse']
/** A step that shows outputs as lines. */
const show = (from: string) => ({
  run: 'echo "digest=$DIGEST" && echo "reference=$REFERENCE" && echo "releases=$RELEASES"',
  env: {
    DIGEST: expression(`${from}.digest`),
    REFERENCE: expression(`${from}.reference`),
    RELEASES: expression(`${from}.releases`),
  },
})
const shown = (stdout: string, name: string) => new RegExp(`\\| ${name}=(.*)$`, 'm').exec(stdout)?.[1] ?? ''

/** The digest under a tag in the registry. */
async function digestOf(repository: string, reference: string): Promise<string | null> {
  const answer = await fetch(`http://${registry.url}/v2/${repository}/manifests/${reference}`, {
    method: 'HEAD',
    headers: {
      accept: 'application/vnd.oci.image.manifest.v1+json',
      authorization: `Basic ${Buffer.from('me:correct-horse').toString('base64')}`,
    },
  })
  return answer.headers.get('docker-content-digest')
}

const oneJob = (prefix: string) =>
  adapted('gitea.yml', ({ steps = [] }) => {
    const step = steps.find((one) => String(one.uses).startsWith('example-org/slipway@'))
    Object.assign(step ?? {}, {
      id: 'slipway',
      with: {
        to: `oci://${registry.url}/${prefix}`,
        username: 'me',
        password: expression('secrets.REGISTRY_TOKEN'),
      },
    })
    steps.push(show('steps.slipway.outputs'))
  })

const twoJobs = (prefix: string) =>
  adapted('release.yml', (job, jobs) => {
    Object.assign(job.with, {
      to: `oci://${registry.url}/${prefix}`,
      // What act does not tell.
      'slipway-repository': 'example-org/slipway',
      'slipway-ref': 'v0.1.0',
    })
    job.secrets = { username: 'me', password: expression('secrets.REGISTRY_TOKEN') }
    jobs.after = { needs: 'release', 'runs-on': 'ubuntu-latest', steps: [show('needs.release.outputs')] }
  })

describe('act in host mode', () => {
  it.each([
    ['the one-job example with the root action', 'one-job', oneJob],
    ['the example that calls the reusable workflow', 'two-jobs', twoJobs],
  ])('runs %s: tags, outputs, annotation and summary are there', async (_, prefix, workflow) => {
    const { code, stdout, stderr } = await push(workflow(prefix), secret)
    expect(code, stdout + stderr).toBe(0)
    const digest = await digestOf(`${prefix}/redis`, '7.4.1')
    expect(digest).toMatch(/^sha256:/)
    expect(await digestOf(`${prefix}/redis`, 'latest')).toBe(digest)
    expect(shown(stdout, 'digest')).toBe(digest)
    expect(shown(stdout, 'reference')).toBe(`oci://${registry.url}/${prefix}/redis:7.4.1@${digest}`)
    expect(JSON.parse(shown(stdout, 'releases'))).toEqual([
      expect.objectContaining({ digest, outcome: 'published' }),
    ])
    expect(stdout).toMatch(
      /::warning .*file=taskservs\/databases\/redis\/manifest\.yaml,line=\d+.*MANIFEST_KEY_UNKNOWN/,
    )
    expect(stdout).toContain('Summary - ')
    expect(stdout + stderr).not.toContain('correct-horse')
  })

  it('runs the tests of an extension in the first of two jobs, and nowhere else', async () => {
    const tests = join(caller, 'taskservs/databases/redis/tests/run.nu')
    const witness = join(scratch, 'witness')
    const text = readFileSync(tests, 'utf8')
    const more = `$env.PWD + "\\n" | save --append ${JSON.stringify(witness)}`
    writeFileSync(tests, text.replace('def main [] {', `def main [] {\n    ${more}`))
    const { code, stdout } = await push(twoJobs('handed'), secret)
    expect(code, stdout).toBe(0)
    expect(readFileSync(witness, 'utf8').trim().split('\n').length).toBe(1)
    expect(existsSync(join(shelf, 'slipway-stage/slipway-stage.tar'))).toBe(true)
    const second = stdout.split('\n').filter((line) => /\/publish\s*\]/.test(line))
    expect(second.join('\n')).not.toMatch(/tests\/run\.nu|Nushell/)
    expect(second.some((line) => line.includes('published oci://'))).toBe(true)
  })

  it.each([
    ['one job', 'bad-one', oneJob],
    ['two jobs', 'bad-two', twoJobs],
  ])(
    'publishes nothing in %s where the manifest has an error, and annotates its line',
    async (_, prefix, workflow) => {
      const manifest = join(caller, 'taskservs/databases/redis/manifest.yaml')
      writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('version: 7.4.1', 'version: 7.4.2'))
      const { code, stdout } = await push(workflow(prefix), secret)
      expect(code).toBe(1)
      expect(stdout).toMatch(
        /::error .*file=taskservs\/databases\/redis\/manifest\.yaml,line=3.*MANIFEST_VERSION_MISMATCH/,
      )
      expect(await digestOf(`${prefix}/redis`, '7.4.1')).toBe(null)
    },
  )
})
