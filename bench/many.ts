import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateRepository, tagOf } from '../test/peers/generated.ts'
import { peer, startRegistry } from '../test/peers/registries.ts'
import { slipway } from './bundle.ts'
import { measure, spread } from './measure.ts'
import { type Row, seconds, times } from './table.ts'

const count = 100

/**
 * Packages and publishes 100 small extensions: one `slipway release` with 100 tags beside a shell loop of
 * `tar` and `oras push`, and beside the same loop with eight at once. Each run has a fresh registry.
 */
export async function many(scratch: string, runs: number): Promise<Row[]> {
  const repository = join(scratch, 'repository')
  const extensions = Array.from({ length: count }, (_, at) => ({
    name: `service-${String(at).padStart(3, '0')}`,
    version: `1.${at % 7}.${at}`,
  }))
  await generateRepository(repository, extensions)
  const script = join(scratch, 'push.sh')
  await writeFile(script, pushOne)
  const list = join(scratch, 'list')
  await writeFile(list, extensions.map(({ name, version }) => `${name} ${version}\n`).join(''))

  const contenders = {
    slipway: (host: string) => {
      const { program, args } = slipway()
      return measure(program, [
        ...args,
        'release',
        ...extensions.map(tagOf),
        '-C',
        repository,
        '--to',
        `oci://${host}/bench`,
      ])
    },
    loop: (host: string, at: number) => loop(host, at, 1),
    loop8: (host: string, at: number) => loop(host, at, 8),
  }
  const found = { slipway: [] as number[], loop: [] as number[], loop8: [] as number[] }
  // One round more than counted: the first fills the system's caches.
  for (let at = 0; at <= runs; at++) {
    for (const name of ['slipway', 'loop', 'loop8'] as const) {
      await using registry = await startRegistry('distribution2')
      const { milliseconds } = await contenders[name](registry.url, at)
      await complete(registry.url)
      if (at > 0) found[name].push(milliseconds)
    }
  }
  const base = spread(found.loop)
  const row = (what: string, values: readonly number[], goal?: string): Row => {
    const { min, median } = spread(values)
    const ratio = times(median / base.median)
    return { what, min: seconds(min), median: seconds(median), ratio, ...(goal && { goal }) }
  }
  return [
    row(`${count} extensions: loop of tar and oras push`, found.loop),
    row(`${count} extensions: the same, eight at once`, found.loop8),
    row(`${count} extensions: slipway release`, found.slipway, '≤ 0.40×'),
  ]

  async function loop(host: string, at: number, parallel: number) {
    const work = join(scratch, `loop-${at}-${parallel}`)
    await mkdir(work)
    const each = `xargs -P ${parallel} -n 2 sh "${script}" < "${list}"`
    return await measure('sh', ['-ec', parallel === 1 ? inTurn : each], {
      cwd: work,
      env: { SOURCE: join(repository, 'taskservs'), HOST: host, ORAS: peer('oras'), LIST: list },
    })
  }
}

const inTurn = `while read -r name version; do
  tar -czf "$name-$version.tar.gz" -C "$SOURCE/$name" .
  "$ORAS" push --plain-http "$HOST/bench/$name:$version" "$name-$version.tar.gz" >/dev/null
done <"$LIST"`

const pushOne = `set -e
tar -czf "$1-$2.tar.gz" -C "$SOURCE/$1" .
"$ORAS" push --plain-http "$HOST/bench/$1:$2" "$1-$2.tar.gz" >/dev/null
`

/** A contender that published less has not won. */
async function complete(host: string): Promise<void> {
  const response = await fetch(`http://${host}/v2/_catalog?n=1000`)
  const { repositories } = (await response.json()) as { repositories: string[] }
  if (repositories.length !== count) throw new Error(`${repositories.length} repositories, not ${count}`)
}
