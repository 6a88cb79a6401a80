import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from '../src/http/client.ts'
import { descriptorOf } from '../src/oci/descriptor.ts'
import { digestOf } from '../src/oci/digest.ts'
import { encode } from '../src/oci/manifest.ts'
import { mediaType } from '../src/oci/media-type.ts'
import { parseTag } from '../src/oci/reference.ts'
import { createAuth } from '../src/registry/auth.ts'
import { openRegistry } from '../src/registry/registry.ts'
import { contentOf } from '../src/store/store.ts'
import { record } from '../test/peers/recorder.ts'
import { peer, startRegistry } from '../test/peers/registries.ts'
import { slipway } from './bundle.ts'
import { delayed } from './latency.ts'
import { measure, spread } from './measure.ts'
import { type Row, seconds, times } from './table.ts'

const repositories = Array.from({ length: 100 }, (_, at) => `r${String(at).padStart(3, '0')}`)
const tags = ['1.0.0', '1.1.0', '1.2.0', '1.3.0', '1.4.0']

type Contender = (from: string, to: string) => Promise<{ readonly milliseconds: number }>

/**
 * Copies 100 repositories of 5 tags (a layer of 60 kB and an image config each) between two distribution 2.8
 * servers, then again with nothing to do: `slipway mirror` beside crane, eight processes of oras at once, skopeo and,
 * where it is installed, regsync. Process start is included. `BENCH_DELAY` adds a round trip in milliseconds to both
 * sides.
 */
export async function mirror(scratch: string, runs: number, delay = 0): Promise<Row[]> {
  await using source = await startRegistry('distribution2')
  await fill(source.url)
  const all = contendersIn(scratch)
  // With latency the others take minutes.
  const quick = ['slipway', 'crane', 'oras ×8']
  const contenders =
    delay === 0 ? all : Object.fromEntries(Object.entries(all).filter(([name]) => quick.includes(name)))
  const found = new Map(
    Object.keys(contenders).map((name) => [name, { cold: [] as number[], again: [] as number[] }]),
  )
  // The first round fills the system's caches, which matters where nobody waits.
  for (let at = delay > 0 ? 1 : 0; at <= runs; at++)
    for (const [name, contender] of Object.entries(contenders)) {
      await using target = await startRegistry('distribution2')
      await using near = delay > 0 ? await delayed(source.url, delay) : undefined
      await using far = delay > 0 ? await delayed(target.url, delay) : undefined
      const way = [near?.url ?? source.url, far?.url ?? target.url] as const
      const cold = await contender(...way)
      const again = await contender(...way)
      await complete(target.url)
      if (at === 0) continue
      found.get(name)?.cold.push(cold.milliseconds)
      found.get(name)?.again.push(again.milliseconds)
    }
  const counts = delay > 0 ? new Map<string, string>() : await requestsOf(contenders, source.url)
  const where = delay > 0 ? ` at ${delay} ms` : ''
  const rowsOf = (what: 'cold' | 'again', title: string, beside: string): Row[] => {
    const base = spread(found.get(beside)?.[what] ?? [])
    return [...found].map(([name, values]) => {
      const { min, median } = spread(values[what])
      const requests = counts.get(`${name} ${what}`)
      const told = requests === undefined ? '' : ` (${requests} requests)`
      return {
        what: `${title}${where}: ${name}${told}`,
        min: seconds(min),
        median: seconds(median),
        ratio: times(median / base.median),
      }
    })
  }
  return [
    ...rowsOf('cold', '500 tags', 'crane'),
    ...rowsOf('again', 'nothing to do', found.has('regsync') ? 'regsync' : 'crane'),
  ]
}

function contendersIn(scratch: string): Readonly<Record<string, Contender>> {
  const file = (name: string, text: string) => writeFile(join(scratch, name), text)
  const shell = (script: string) => measure('sh', ['-c', script], { cwd: scratch })
  const all: Record<string, Contender> = {
    async slipway(from, to) {
      const way = { from: `oci://${from}/bench`, to: [`oci://${to}/bench`] }
      await file('mirror.yaml', JSON.stringify({ version: 1, mirrors: [way] }))
      const { program, args } = slipway()
      return measure(program, [...args, 'mirror', '-q'], { cwd: scratch })
    },
    crane: async (from, to) => {
      await file('repositories', repositories.map((one) => `${one}\n`).join(''))
      return shell(
        `while read -r r; do ${peer('crane')} copy -a ${from}/bench/$r ${to}/bench/$r || exit 1; done < repositories`,
      )
    },
    'oras ×8': async (from, to) => {
      const lines = repositories.flatMap((one) => tags.map((tag) => `${one}:${tag}\n`))
      await file('tags', lines.join(''))
      const plain = '--from-plain-http --to-plain-http'
      return shell(`xargs -P 8 -I % ${peer('oras')} cp ${plain} ${from}/bench/% ${to}/bench/% < tags`)
    },
    skopeo: async (from, to) => {
      const images = Object.fromEntries(repositories.map((one) => [`bench/${one}`, []]))
      await file('skopeo.yaml', JSON.stringify({ [from]: { 'tls-verify': false, images } }))
      const way = '--src yaml --dest docker --dest-tls-verify=false'
      return shell(`${peer('skopeo')} sync ${way} skopeo.yaml ${to}/bench`)
    },
  }
  const regsync = optional('regsync')
  if (regsync !== undefined)
    all.regsync = async (from, to) => {
      const creds = [from, to].map((registry) => ({ registry, tls: 'disabled' }))
      const sync = repositories.map((one) => ({
        source: `${from}/bench/${one}`,
        target: `${to}/bench/${one}`,
        type: 'repository',
      }))
      await file('regsync.yaml', JSON.stringify({ version: 1, creds, defaults: { parallel: 8 }, sync }))
      return measure(regsync, ['once', '-c', join(scratch, 'regsync.yaml')], { cwd: scratch })
    }
  return all
}

function optional(name: string): string | undefined {
  try {
    return peer(name)
  } catch {
    return undefined
  }
}

/** How many requests each contender makes, on both sides together. */
async function requestsOf(
  contenders: Readonly<Record<string, Contender>>,
  source: string,
): Promise<Map<string, string>> {
  const counts = new Map<string, string>()
  for (const [name, contender] of Object.entries(contenders)) {
    await using target = await startRegistry('distribution2')
    await using near = await record(source)
    await using far = await record(target.url)
    for (const what of ['cold', 'again']) {
      const before = near.requests.length + far.requests.length
      await contender(near.url, far.url)
      const requests = near.requests.length + far.requests.length - before
      counts.set(`${name} ${what}`, requests.toLocaleString('en'))
    }
  }
  return counts
}

async function fill(host: string): Promise<void> {
  await using registry = registryAt(host)
  await Promise.all(
    repositories.map(async (name) => {
      const store = registry.repository(`bench/${name}`)
      for (const tag of tags) {
        const layer = randomBytes(60_000)
        const rootfs = { type: 'layers', diff_ids: [digestOf(layer)] }
        const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs }))
        const manifest = encode({
          schemaVersion: 2,
          mediaType: mediaType.manifest,
          config: descriptorOf(mediaType.imageConfig, config),
          layers: [descriptorOf(mediaType.layerTarGzip, layer)],
        })
        await store.push(descriptorOf(mediaType.imageConfig, config), contentOf(config))
        await store.push(descriptorOf(mediaType.layerTarGzip, layer), contentOf(layer))
        await store.tag(manifest, [parseTag(tag)])
      }
    }),
  )
}

/** No contender may be fast by leaving something out. */
async function complete(host: string): Promise<void> {
  await using registry = registryAt(host)
  let found = 0
  for (const name of repositories)
    for await (const _ of registry.repository(`bench/${name}`).tags()) found += 1
  if (found !== repositories.length * tags.length) throw new Error(`${found} tags arrived`)
}

function registryAt(host: string) {
  const transport = createTransport({ environment: {}, userAgent: 'bench' })
  const auth = createAuth({ transport, credentials: { for: async () => undefined } })
  return openRegistry({ host, plainHttp: true, auth, release: async () => transport[Symbol.asyncDispose]() })
}
