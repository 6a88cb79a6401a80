import { onTestFinished } from 'vitest'
import { readMirrorYaml } from '../../src/config/mirror-yaml.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Limits } from '../../src/core/limits.ts'
import type { Event } from '../../src/core/report.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import type { MirrorRule } from '../../src/mirroring/rule.ts'
import type { Shard } from '../../src/mirroring/shard.ts'
import type { Encoded } from '../../src/oci/manifest.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { Opener } from '../../src/open/open.ts'
import type { Registry } from '../../src/store/store.ts'
import { type MirrorResult, mirror } from '../../src/tasks/mirror.ts'
import { artifact } from '../contract/artifacts.ts'
import { type FakeOptions, type FakeRegistry, startFakeRegistry } from '../fake/registry.ts'
import { connect, quick } from '../registry/client.ts'

/** A fake registry that ends with the test, and a client that fills it. */
export async function server(options: FakeOptions = {}): Promise<{ fake: FakeRegistry; client: Registry }> {
  const fake = await startFakeRegistry(options)
  const client = connect(fake)
  onTestFinished(async () => {
    await client[Symbol.asyncDispose]()
    await fake[Symbol.asyncDispose]()
  })
  return { fake, client }
}

/** Artifacts of one layer each, by repository and tag; what was made, by `repository:tag`. */
export async function fill(client: Registry, repositories: Readonly<Record<string, readonly string[]>>) {
  const made = new Map<string, Encoded>()
  for (const [repository, tags] of Object.entries(repositories)) {
    const store = client.repository(repository)
    for (const tag of tags) {
      const one = await artifact(store, `${repository}:${tag}`)
      await store.tag(one, [parseTag(tag)])
      made.set(`${repository}:${tag}`, one)
    }
  }
  return (name: string): Encoded => {
    const found = made.get(name)
    if (found === undefined) throw new Error(`no ${name} was made`)
    return found
  }
}

/** The rules of one mirror, as `mirror.yaml` would have them. */
export function rulesOf(...mirrors: readonly object[]): MirrorRule[] {
  return readMirrorYaml(JSON.stringify({ version: 1, mirrors }), 'mirror.yaml', '/nowhere')
}

export interface Run extends MirrorResult {
  readonly events: readonly Event[]
}

/** One run as a process of its own would make it. */
export async function run(
  rules: readonly MirrorRule[],
  options: {
    readonly verify?: boolean
    readonly rehearse?: boolean
    readonly concurrency?: number
    readonly limits?: Partial<Limits>
    readonly signal?: AbortSignal
    /** `HOST USER PASSWORD` */
    readonly login?: string
    readonly shard?: Shard
  } = {},
): Promise<Run> {
  const { verify = false, rehearse = false, concurrency = 8, limits = {}, login = '' } = options
  const [host = '', username = '', password = ''] = login.split(' ')
  const events: Event[] = []
  await using opener = new Opener({
    environment: {},
    userAgent: 'slipway-test',
    limits: { ...quick, ...limits },
    rehearse,
    credentials:
      login === ''
        ? []
        : [{ host, credential: async () => ({ kind: 'basic', username, password, source: 'test' }) }],
  })
  const result = await mirror(
    {
      rules,
      verify,
      concurrency,
      layouts: defaultLayouts,
      ...(options.shard === undefined ? {} : { shard: options.shard }),
    },
    {
      clock: systemClock,
      report: { emit: (event) => events.push(event), secret() {} },
      signal: options.signal ?? new AbortController().signal,
      environment: {},
      open: (place) => opener.open(place),
      transport: () => opener.transport(),
      scratch: () => opener.scratch(),
    },
  )
  return { ...result, events }
}

/** Tags of a repository, sorted. */
export async function tagsOf(client: Registry, repository: string): Promise<string[]> {
  return (await Array.fromAsync(client.repository(repository).tags())).sort()
}
