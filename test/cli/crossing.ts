import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { commit, git } from '../peers/generated.ts'
import { slipway } from './terminal.ts'

const examples = resolve(import.meta.dirname, '../../examples')
/** What the example workspace names; everything else comes because these need it. */
const wanted = ['kubernetes', 'cilium', 'web', 'upcloud', 'local']

export interface Crossing {
  /** Where `bundle.tar` and the workspace are. */
  readonly folder: string
  /** Runs a command there that must end well, and gives what it printed. */
  well(...args: string[]): Promise<string>
}

/** The example repository and workspace in a folder of the test's own. */
export function crossing(): Crossing {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-airgap-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const well = async (...args: string[]) => {
    const environment = { SLIPWAY_CACHE_DIR: join(folder, 'cache') }
    const ran = await slipway([...args, '--retries', '0'], { cwd: folder, environment })
    expect(ran.exit, `${args.join(' ')}: ${ran.stderr}${ran.stdout}`).toBe(0)
    return ran.stdout
  }
  return { folder, well }
}

/** Publishes the example packages. */
export async function publish({ folder, well }: Crossing, host: string): Promise<void> {
  const repository = join(folder, 'extensions')
  const filter = (path: string) => !path.endsWith('.slipway')
  cpSync(join(examples, 'provisioning-extensions'), repository, { recursive: true, filter })
  git(repository, ['init', '-q', '-b', 'main'])
  commit(repository)
  const target = `oci://${host}/provisioning-extensions`
  await well('release', '--all-changed', '-C', 'extensions', '--to', target, '--skip-tests')
}

/** Mirrors what the workspace wants into an archive, with all that it needs. */
export async function bundle({ folder, well }: Crossing, host: string): Promise<void> {
  const source = `oci://${host}/provisioning-extensions`
  writeFileSync(
    join(folder, 'mirror.yaml'),
    `version: 1\nmirrors:\n  - name: gap\n    from: ${source}\n    to: ['archive:bundle.tar']\n    repositories: [${wanted}]\n    withDependencies: true\n`,
  )
  await well('mirror')
}

/** Loads the archive, then solves and installs for the workspace from there. Returns what was locked. */
export async function install({ folder, well }: Crossing, host: string): Promise<string[]> {
  await well('registry', 'restore', 'archive:bundle.tar', `oci://${host}/provisioning-extensions`)
  cpSync(join(examples, 'workspace'), join(folder, 'workspace'), { recursive: true })
  const file = join(folder, 'workspace/config/provisioning.yaml')
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replaceAll('localhost:5000', host).replace(/^ *auth_token_path:.*\n/gm, ''))
  const { lock } = JSON.parse(await well('deps', 'resolve', '--json', '-C', 'workspace')) as {
    readonly lock: { readonly packages: readonly { readonly id: string; readonly version: string }[] }
  }
  await well('install', '-C', 'workspace')
  return lock.packages.map(({ id, version }) => `${id} ${version}`).sort()
}

/** Names of the installed extensions. */
export function installed({ folder }: Crossing): string[] {
  const root = join(folder, 'workspace/extensions')
  return readdirSync(root)
    .flatMap((kind) => readdirSync(join(root, kind)))
    .sort()
}

/** What the example workspace comes to: what it names, and what that needs. */
export const locked = [
  'cilium 1.16.3',
  'containerd 1.7.23',
  'core 3.5.0',
  'etcd 3.5.16',
  'kubernetes 1.28.0',
  'local 1.2.0',
  'postgres 16.4.0',
  'redis 7.4.1',
  'runc 1.1.15',
  'upcloud 1.6.2',
  'web 2.1.0',
]
