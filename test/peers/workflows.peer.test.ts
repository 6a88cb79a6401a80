import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { peer, run } from './programs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folders = ['.github/workflows', 'examples/workflows']
const workflows = folders.flatMap((folder) =>
  readdirSync(join(root, folder)).map((name) => join(folder, name)),
)
const audited = [...workflows, '.github/dependabot.yml']

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}
interface Workflow {
  readonly permissions?: unknown
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly uses?: string
        readonly permissions?: Readonly<Record<string, string>>
        readonly steps?: readonly Step[]
      }
    >
  >
}

const read = (file: string) => parse(readFileSync(join(root, file), 'utf8')) as Workflow

describe('workflows', () => {
  let broken: string

  beforeAll(() => {
    broken = mkdtempSync(join(tmpdir(), 'workflows-'))
    cpSync(join(root, '.github'), join(broken, '.github'), { recursive: true })
    mkdirSync(join(broken, '.git'))
    cpSync(join(import.meta.dirname, 'broken-workflow.yml'), join(broken, '.github/workflows/broken.yml'))
  })
  afterAll(() => rmSync(broken, { recursive: true, force: true }))

  const lint = (folder: string, files: readonly string[]) =>
    run(
      peer('actionlint'),
      [
        '-no-color',
        '-shellcheck=',
        '-pyflakes=',
        '-config-file',
        join(folder, '.github/actionlint.yaml'),
        ...files,
      ],
      { cwd: folder },
    )
  const audit = (folder: string, files: readonly string[]) =>
    run(
      peer('zizmor'),
      [
        '--offline',
        '--no-progress',
        '--color=never',
        '--config',
        join(folder, '.github/zizmor.yml'),
        ...files,
      ],
      { cwd: folder },
    )

  it('are what CI, a caller and a user need', () => {
    expect(workflows).toEqual(
      expect.arrayContaining([
        '.github/workflows/check.yml',
        '.github/workflows/ci.yml',
        '.github/workflows/release.yml',
        'examples/workflows/check.yml',
        'examples/workflows/gitea.yml',
        'examples/workflows/release.yml',
      ]),
    )
  })

  it('have nothing that actionlint minds', async () => {
    expect(await lint(root, workflows)).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('have nothing that zizmor minds', async () => {
    const { code, stdout } = await audit(root, audited)
    expect({ code, stdout: stdout.replace(/No findings to report.*\n/, '') }).toEqual({ code: 0, stdout: '' })
  })

  it('are looked at by both: a broken one is noticed', async () => {
    const file = '.github/workflows/broken.yml'
    const linted = await lint(broken, [file])
    expect(linted.code).toBe(1)
    expect(linted.stdout).toContain('property "workflow_sha" is not defined')
    expect(linted.stdout).toContain('potentially untrusted')
    const audited = await audit(broken, [file])
    expect(audited.code).toBeGreaterThan(0)
    for (const rule of ['template-injection', 'unpinned-uses', 'dangerous-triggers'])
      expect(audited.stdout).toContain(rule)
  })

  it.each(workflows)('%s gives no rights to all of its jobs but reading', (file) => {
    expect([{}, { contents: 'read' }]).toContainEqual(read(file).permissions)
  })

  it.each(workflows)('%s names the actions of others by commit and version', (file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const uses = [...text.matchAll(/uses: (.*)$/gm)].map(([, one = '']) => one)
    const own = /^(\.\/\.slipway-action\/actions\/|\.\/\.github\/workflows\/|example-org\/slipway)/
    const others = uses.filter((one) => !own.test(one))
    expect(others.filter((one) => !/^actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(one))).toEqual([])
    expect(uses.length).toBeGreaterThan(0)
  })

  it.each(readdirSync(join(root, 'examples/workflows')))(
    '%s grants what the workflow that it calls asks for',
    (name) => {
      const called = (job: { readonly uses?: string }) =>
        /^example-org\/slipway\/(\.github\/workflows\/[a-z-]+\.yml)@/.exec(job.uses ?? '')?.[1]
      const rights = (file: string) =>
        Object.values(read(file).jobs).map((job) => Object.entries({ ...job.permissions }))
      for (const job of Object.values(read(join('examples/workflows', name)).jobs)) {
        const file = called(job)
        for (const [right, level] of file === undefined ? [] : rights(file).flat())
          expect([level, 'write'], `${right} of ${file}`).toContain(job.permissions?.[right])
      }
    },
  )

  it.each(workflows)('%s puts no expression into a script', (file) => {
    const steps = Object.values(read(file).jobs).flatMap((job) => job.steps ?? [])
    expect(steps.filter((step) => step.run?.includes('${{'))).toEqual([])
  })
})

describe('.github/workflows/release.yml', () => {
  const { jobs } = read('.github/workflows/release.yml') as Workflow & {
    readonly jobs: Record<
      string,
      { readonly permissions: Record<string, string>; readonly steps: readonly Step[] }
    >
  }

  it('gives the right to write to the job alone that runs no code of extensions', () => {
    expect(jobs.package?.permissions).toEqual({ contents: 'read' })
    expect(jobs.publish?.permissions).toEqual({ contents: 'read', packages: 'write' })
    const own = (name: string) =>
      jobs[name]?.steps.flatMap(({ uses = '' }) => /^\.\/\.slipway-action\/(.*)$/.exec(uses)?.[1] ?? [])
    expect(own('package')).toEqual(['actions/package-extension'])
    expect(own('publish')).toEqual(['actions/publish-oci'])
    expect(JSON.stringify(jobs.package)).not.toMatch(/secrets|token|password/i)
  })
})

describe('.github/workflows/check.yml', () => {
  const text = readFileSync(join(root, '.github/workflows/check.yml'), 'utf8')
  const { jobs } = parse(text) as { jobs: Record<string, { permissions: unknown; steps: readonly Step[] }> }

  it('has no right but to read, no secret, and nothing that runs what it checks', () => {
    expect(Object.values(jobs).map((job) => job.permissions)).toEqual([
      { contents: 'read', packages: 'read' },
    ])
    expect(text).not.toMatch(/secrets|password|token|pull_request_target/i)
    const steps = Object.values(jobs).flatMap((job) => job.steps)
    expect(steps.filter((step) => step.run !== undefined)).toEqual([])
    expect(steps.map((step) => step.uses?.replace(/@.*/, ''))).toEqual([
      'actions/checkout',
      'actions/checkout',
      './.slipway-action/actions/validate-extensions',
    ])
    expect(text.match(/persist-credentials: false/g)).toHaveLength(2)
  })
})

describe('.github/workflows/cleanup.yml', () => {
  const { jobs } = read('.github/workflows/cleanup.yml') as Workflow & {
    readonly jobs: Record<
      string,
      {
        readonly permissions: Record<string, string>
        readonly environment?: string
        readonly steps: readonly Step[]
      }
    >
  }

  it('plans without the right to delete, and deletes only what that plan says', () => {
    expect(jobs.plan?.permissions).toEqual({ contents: 'read', packages: 'read' })
    expect(jobs.apply?.permissions).toEqual({ contents: 'read', packages: 'write' })
    const given = (name: string) =>
      jobs[name]?.steps.find(({ uses }) => uses === './.slipway-action/actions/cleanup-registry')?.with
    expect(given('plan')).not.toHaveProperty('apply')
    expect(given('apply')).toMatchObject({ apply: true, plan: given('plan')?.plan })
    expect(given('apply')).not.toHaveProperty('file')
    expect(jobs.apply?.environment).toBe(`\${{ inputs.environment }}`)
  })
})

describe('.github/workflows/release-all.yml', () => {
  type Job = {
    readonly needs?: string | readonly string[]
    readonly if?: string
    readonly uses?: string
    readonly permissions: Record<string, string>
    readonly strategy?: { readonly matrix: { readonly entry: string } }
    readonly with?: Record<string, string>
    readonly steps?: readonly Step[]
  }
  const { jobs } = read('.github/workflows/release-all.yml') as Workflow & {
    readonly jobs: Record<string, Job>
  }
  const waves = [0, 1, 2, 3, 4, 5]

  it('waits for an earlier run of the same targets, and cancels none', () => {
    const { concurrency } = read('.github/workflows/release-all.yml') as Workflow & { concurrency?: unknown }
    expect(concurrency).toEqual({
      group: `slipway-release-all-\${{ inputs.directory }}-\${{ inputs.to }}`,
      'cancel-in-progress': false,
    })
  })

  it('releases by the workflow of two jobs alone, which keeps foreign code away from rights', () => {
    const writing = Object.entries(jobs).filter(([, job]) => job.permissions.packages === 'write')
    expect(writing.map(([name]) => name)).toEqual(['everything', ...waves.map((at) => `wave-${at}`)])
    for (const [, job] of writing) expect(job.uses).toBe('./.github/workflows/release.yml')
    const own = jobs.plan?.steps?.flatMap(
      ({ uses = '' }) => /^\.\/\.slipway-action\/(.*)$/.exec(uses)?.[1] ?? [],
    )
    expect(own).toEqual(['actions/resolve-deps'])
  })

  it.each(waves)('starts wave %i after the one before, never with an empty matrix', (at) => {
    const job = jobs[`wave-${at}`]
    expect([job?.needs].flat()).toEqual(at === 0 ? ['plan'] : ['plan', `wave-${at - 1}`])
    expect(job?.if).toContain(`needs.plan.outputs.wave-${at} != '[]'`)
    // A wave that was skipped for being empty must not skip the next; one that failed must.
    if (at > 0) expect(job?.if).toContain('!cancelled() && !failure()')
    expect(job?.strategy?.matrix.entry).toBe(`\${{ fromJSON(needs.plan.outputs.wave-${at}) }}`)
    expect(job?.with?.shard).toBe(`-\${{ matrix.entry.shard }}`)
  })
})
