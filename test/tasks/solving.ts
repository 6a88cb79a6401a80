import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { loadWorkspace } from '../../src/config/workspace.ts'
import { hostsOf } from '../../src/config/workspace-hosts.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Event } from '../../src/core/report.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { Opener } from '../../src/open/open.ts'
import { parseTarget } from '../../src/store/address.ts'
import type { Registry } from '../../src/store/store.ts'
import type { Context } from '../../src/tasks/context.ts'
import { depsResolve } from '../../src/tasks/deps-resolve.ts'
import { depsUpdate } from '../../src/tasks/deps-update.ts'
import type { ResolutionOptions } from '../../src/tasks/resolution.ts'
import { published, taskserv } from '../sources/published.ts'

export { write } from '../git/fixture.ts'

/** Range by name. */
export type Needs = Readonly<Record<string, string>>

/** The smallest files that make a task service. */
export function extension(
  name: string,
  version: string,
  needs: Needs = {},
  more = '',
): Record<string, string> {
  const dependencies = Object.entries(needs).map(([one, range]) => `  ${one}: "${range}"\n`)
  const block = dependencies.length === 0 ? '' : `dependencies:\n${dependencies.join('')}`
  return {
    [`taskservs/${name}/manifest.yaml`]: `name: ${name}\ntype: taskserv\nversion: ${version}\ndescription: x\nlicense: MIT\n${block}${more}`,
    [`taskservs/${name}/scripts/install.nu`]: `print ${name}\n`,
    [`taskservs/${name}/kcl/kcl.mod`]: '[package]\n',
  }
}

/** What is published: `{ 'containerd 1.7.23': { runc: '^1.1' } }`, or whole manifests' keys beside `needs`. */
export type Shelf = Readonly<
  Record<string, Needs | { readonly needs?: Needs; readonly more: Record<string, unknown> }>
>

/** Publishes versions as releases would, each in the repository of its name below `prefix`. */
export async function stock(registry: Registry, shelf: Shelf, prefix = ''): Promise<void> {
  for (const [key, value] of Object.entries(shelf)) {
    const [name = '', version = ''] = key.split(' ')
    const { needs, more } = isWhole(value) ? value : { needs: value as Needs, more: {} }
    const manifest = taskserv(name, version, needs, more)
    await published(registry, { manifest, repository: `${prefix}${name}` })
  }
}

function isWhole(value: Shelf[string]): value is { needs?: Needs; more: Record<string, unknown> } {
  return typeof (value as { more?: unknown }).more === 'object'
}

export interface Project {
  readonly directory: string
  /** What tasks reported, in order. */
  readonly events: Event[]
  options(more?: Partial<ResolutionOptions>): ResolutionOptions
  /** One run of a task as a process of its own would make it. */
  run<T>(task: (context: Context) => Promise<T>): Promise<T>
  resolve(more?: Partial<Parameters<typeof depsResolve>[0]>): ReturnType<typeof depsResolve>
  update(more?: Partial<Parameters<typeof depsUpdate>[0]>): ReturnType<typeof depsUpdate>
  /** Publishes into the default source, or another target. */
  stock(shelf: Shelf, target?: string): Promise<void>
  /** The lock's text; undefined where there is none. */
  lock(): string | undefined
  /** Options for the workspace file that lies there. */
  workspace(): Promise<Partial<ResolutionOptions>>
}

/** An empty project with a registry of its own in a layout, all gone with the test. */
export function project(name = 'project'): Project {
  const scratch = mkdtempSync(join(tmpdir(), 'slipway-solving-'))
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }))
  return projectAt(join(scratch, name))
}

/** The project in a folder. */
export function projectAt(directory: string): Project {
  mkdirSync(directory, { recursive: true })
  const home = join(directory, '..', 'home')
  const own = `layout:${join(directory, '.slipway/registry')}`
  const events: Event[] = []
  const options = (more: Partial<ResolutionOptions> = {}): ResolutionOptions => ({
    directory,
    layouts: defaultLayouts,
    sources: [parseTarget(own)],
    sourcesGiven: false,
    lowest: false,
    prereleases: [],
    overrides: {},
    offline: false,
    cacheDirectory: join(home, 'cache'),
    concurrency: 4,
    ...more,
  })
  let hosts: Parameters<Opener['consider']>[0] | undefined
  async function run<T>(task: (context: Context) => Promise<T>): Promise<T> {
    await using opener = new Opener({
      environment: {},
      userAgent: 'slipway-test',
      limits: { retries: 0 },
    })
    if (hosts !== undefined) opener.consider(hosts)
    return await task({
      clock: systemClock,
      report: { emit: (event) => events.push(event), secret() {} },
      signal: new AbortController().signal,
      environment: {},
      open: (place) => opener.open(place),
      transport: () => opener.transport(),
      scratch: () => opener.scratch(),
    })
  }
  return {
    directory,
    events,
    options,
    run,
    resolve: (more = {}) =>
      run((context) => depsResolve({ ...options(), frozen: false, dryRun: false, ...more }, context)),
    update: (more = {}) =>
      run((context) => depsUpdate({ ...options(), recursive: false, dryRun: false, ...more }, context)),
    async stock(shelf, target = own) {
      await run(async ({ open }) => {
        const place = parseTarget(target)
        await stock(await open(place), shelf, place.prefix === '' ? '' : `${place.prefix}/`)
      })
    },
    lock() {
      try {
        return readFileSync(join(directory, 'slipway.lock'), 'utf8')
      } catch {
        return undefined
      }
    },
    async workspace() {
      const workspace = await loadWorkspace(directory, { home })
      hosts = hostsOf(workspace)
      return workspace === undefined ? {} : { workspace }
    },
  }
}

/** Id to version. */
export function versionsOf({ lock }: { lock: { packages: readonly { id: string; version: string }[] } }) {
  return Object.fromEntries(lock.packages.map(({ id, version }) => [id, version]))
}

/** A workspace file that wants these task services. */
export function workspaceFile(entries: readonly string[], more = ''): Record<string, string> {
  const list = entries.map((one) => `        - ${JSON.stringify(one)}\n`).join('')
  return {
    'workspace/config/provisioning.yaml': `${more}dependencies:\n  extensions:\n    modules:\n      taskservs:\n${list}`,
  }
}
