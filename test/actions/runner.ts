import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a step leaves. */
export interface StepRun {
  readonly exit: number | null
  readonly log: string
  readonly outputs: Readonly<Record<string, string>>
  readonly summary: string
  /** What the step declared for attestation. */
  readonly subjects: string
}

export interface StepOptions {
  readonly inputs?: Readonly<Record<string, string>>
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Cancels the step, as the runner does first, when this stands in its log. */
  readonly cancelAt?: string
}

/** A machine that runs steps as the Actions runner does: files for outputs, inputs as variables. */
export class FakeRunner {
  readonly temp = mkdtempSync(join(tmpdir(), 'slipway-runner-'))
  readonly workspace = join(this.temp, 'workspace')
  readonly #dist: string
  readonly #suffix: string
  #steps = 0

  /** @param suffix `.ts` for a folder of sources, which Node runs without a build */
  constructor(dist: string, suffix: '.mjs' | '.ts' = '.mjs') {
    this.#dist = dist
    this.#suffix = suffix
  }

  /** A git repository with one committed and tagged extension of the examples. @returns its commit */
  checkOut(folder: string, gitTag: string): string {
    cpSync(join(root, 'examples/provisioning-extensions', folder), join(this.workspace, folder), {
      recursive: true,
    })
    this.git('init', '-q')
    this.git('add', '-A')
    this.git('commit', '-q', '-m', 'Everything')
    this.git('tag', gitTag)
    return this.git('rev-parse', 'HEAD').trim()
  }

  git(...args: readonly string[]): string {
    const who = [
      '-c',
      'user.name=Someone',
      '-c',
      'user.email=someone@example.org',
      '-c',
      'commit.gpgsign=false',
    ]
    return execFileSync('git', [...who, ...args], { cwd: this.workspace, encoding: 'utf8' })
  }

  async step(
    action: string,
    { inputs = {}, environment = {}, cancelAt }: StepOptions = {},
  ): Promise<StepRun> {
    const number = ++this.#steps
    const file = (name: string) => join(this.temp, `${name}-${number}`)
    for (const name of ['output', 'summary', 'artifacts']) writeFileSync(file(name), '')
    const variables = Object.entries(inputs).map(([name, text]) => [`INPUT_${name.toUpperCase()}`, text])
    const child = spawn(process.execPath, [join(this.#dist, `${action}${this.#suffix}`)], {
      cwd: this.workspace,
      env: {
        PATH: process.env.PATH,
        HOME: this.temp,
        GITHUB_ACTIONS: 'true',
        GITHUB_EVENT_NAME: 'push',
        GITHUB_REF: 'refs/heads/main',
        GITHUB_WORKSPACE: this.workspace,
        GITHUB_OUTPUT: file('output'),
        GITHUB_STEP_SUMMARY: file('summary'),
        GITHUB_ARTIFACTS: file('artifacts'),
        RUNNER_TEMP: this.temp,
        ...Object.fromEntries(variables),
        ...environment,
      },
    })
    let log = ''
    let cancelled = false
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        log += text
        if (cancelAt === undefined || cancelled || !log.includes(cancelAt)) return
        cancelled = child.kill('SIGINT')
      })
    const exit = await new Promise<number | null>((resolve) => child.on('close', resolve))
    return {
      exit,
      log,
      outputs: outputsIn(readFileSync(file('output'), 'utf8')),
      summary: readFileSync(file('summary'), 'utf8'),
      subjects: readFileSync(file('artifacts'), 'utf8'),
    }
  }

  /** Scratch folders that a step left behind. */
  leftovers(): string[] {
    return readdirSync(this.temp).filter((name) => name.startsWith('slipway-'))
  }
}

/** Outputs as the runner reads them: `name<<DELIMITER`, lines, `DELIMITER`. */
function outputsIn(text: string): Record<string, string> {
  const found = [...text.matchAll(/^(.+?)<<(ghadelimiter_\S+)\n([\s\S]*?)\n\2$/gm)]
  return Object.fromEntries(found.map(([, name = '', , value = '']) => [name, value]))
}
