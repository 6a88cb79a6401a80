import { systemClock } from '../../src/core/clock.ts'
import type { Event } from '../../src/core/report.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { Opener } from '../../src/open/open.ts'
import { parseAddress, parseTarget } from '../../src/store/address.ts'
import type { Context } from '../../src/tasks/context.ts'
import type { ManyOptions } from '../../src/tasks/options.ts'
import { publishPrebuilt } from '../../src/tasks/publish.ts'
import { type ReleaseOptions, release } from '../../src/tasks/release.ts'
import { releasePlan } from '../../src/tasks/release-plan.ts'
import { gitEnv } from '../git/fixture.ts'
import { below, oneOf, type Random, shuffled } from '../version/random.ts'

/** A package and what it needs, by name. */
export interface Extension {
  readonly name: string
  readonly version: string
  readonly needs: readonly string[]
}

/**
 * Extensions without a circle; their names tell nothing of the order. Half of them need up to four others.
 */
export function randomExtensions(count: number, random: Random): Extension[] {
  const numbers = Array.from({ length: count }, (_, at) => at)
  const names = shuffled(random, numbers).map((at) => `service-${String(at).padStart(3, '0')}`)
  return names.map((name, at) => {
    const many = at === 0 || random() < 0.5 ? 0 : 1 + below(random, 4)
    const needs = Array.from({ length: many }, () => oneOf(random, names.slice(0, at)))
    return { name, version: '1.0.0', needs: [...new Set(needs)].sort() }
  })
}

/** The smallest files that make an extension. */
export function filesOf({ name, version, needs }: Extension): Record<string, string> {
  const folder = `taskservs/${name}`
  const dependencies =
    needs.length === 0 ? '' : `dependencies:\n${needs.map((one) => `  ${one}: "*"\n`).join('')}`
  return {
    [`${folder}/manifest.yaml`]: `name: ${name}\ntype: taskserv\nversion: ${version}\ndescription: x\nlicense: MIT\n${dependencies}`,
    [`${folder}/scripts/install.nu`]: `print ${name}\n`,
    [`${folder}/kcl/kcl.mod`]: '[package]\n',
  }
}

/** One run of `slipway release` as a process of its own would make it; requests are retried at once. */
export async function releaseTo(
  directory: string,
  places: readonly string[],
  more: Partial<ReleaseOptions>,
  events: Event[] = [],
) {
  await using opener = newOpener()
  return await release(
    {
      directory,
      layouts: defaultLayouts,
      gitTags: [],
      snapshot: false,
      allowDirty: false,
      requireGitTag: false,
      compression: 1,
      shape: 'artifact',
      allowIrreproducible: true,
      skipTests: true,
      testTimeout: 10_000,
      concurrency: 8,
      targets: places.map(parseTarget),
      moving: ['latest'],
      allowOverwrite: false,
      ...more,
    },
    contextOf(opener, events),
  )
}

/** What such a run would release, and in which order. */
export async function planFor(directory: string, places: readonly string[], more: ManyOptions) {
  await using opener = newOpener()
  return await releasePlan(
    {
      directory,
      layouts: defaultLayouts,
      gitTags: [],
      snapshot: false,
      allowDirty: false,
      requireGitTag: false,
      concurrency: 8,
      moving: ['latest'],
      targets: places.map(parseTarget),
      ...more,
    },
    contextOf(opener, []),
  )
}

/** Publishes everything that an archive holds, as the second job of a workflow does. */
export async function publishTo(archive: string, places: readonly string[], only?: readonly string[]) {
  await using opener = newOpener()
  return await publishPrebuilt(
    {
      from: parseAddress(`archive:${archive}`),
      references: [],
      targets: places.map(parseTarget),
      moving: ['latest'],
      allowOverwrite: false,
      concurrency: 8,
      layouts: defaultLayouts,
      ...(only === undefined ? {} : { only }),
    },
    contextOf(opener, []),
  )
}

function newOpener(): Opener {
  return new Opener({
    environment: {},
    userAgent: 'slipway-test',
    limits: { retries: 2, retryDelay: 1 },
  })
}

function contextOf(opener: Opener, events: Event[]): Context {
  return {
    clock: systemClock,
    report: { emit: (event) => events.push(event), secret() {} },
    signal: new AbortController().signal,
    environment: gitEnv,
    open: (place) => opener.open(place),
    transport: () => Promise.reject(new Error('nothing is downloaded here')),
    scratch: () => opener.scratch(),
  }
}

/** What a registry was asked, in the order in which the requests came. */
export interface Requests {
  readonly requests: readonly { readonly method: string; readonly path: string; readonly status: number }[]
}

/** Each exact tag that was written, in the order in which its first request came, as `name:version`. */
export function exactTags({ requests }: Requests): string[] {
  const written = requests.flatMap(({ method, path, status }) => {
    const [, name, tag] = /\/([^/]+)\/manifests\/(\d[^:]*)$/.exec(path) ?? []
    // A lost answer has no status, but its work is done.
    const done = method === 'PUT' && (status === 201 || status === 0)
    return done && name !== undefined ? [`${name}:${tag}`] : []
  })
  return [...new Set(written)]
}

/** Every pair that was published the wrong way round, or a dependent without what it needs. */
export function wrongWayRound(extensions: readonly Extension[], published: readonly string[]): string[] {
  const at = new Map(published.map((label, index) => [label.split(':')[0] ?? '', index]))
  return extensions.flatMap(({ name, needs }) => {
    const own = at.get(name)
    if (own === undefined) return []
    return needs
      .filter((one) => (at.get(one) ?? Number.POSITIVE_INFINITY) > own)
      .map((one) => `${name} before ${one}`)
  })
}
