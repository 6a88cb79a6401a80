import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { peer, startRegistry } from '../test/peers/registries.ts'
import { slipway } from './bundle.ts'
import { measure, type Run, spread } from './measure.ts'
import { mebibytes, type Row, seconds, times } from './table.ts'

const gibibyte = 1024 ** 3

/**
 * Publishes a prebuilt artifact with one layer of 1 GiB from an OCI layout: `slipway publish` beside
 * `oras cp`, each into a fresh registry.
 */
export async function large(scratch: string, runs: number): Promise<Row[]> {
  const layout = join(scratch, 'layout')
  await artifact(join(layout, 'big'))
  const contenders = {
    oras: (host: string) => {
      const from = ['--from-oci-layout', `${layout}/big:1.0.0`]
      return measure(peer('oras'), ['cp', ...from, '--to-plain-http', `${host}/x/big:1.0.0`], { watch: 10 })
    },
    slipway: (host: string) => {
      const { program, args } = slipway()
      const publish = ['publish', '--from', `layout:${layout}#big:1.0.0`, '--to', `oci://${host}/x`]
      return measure(program, [...args, ...publish], { watch: 10 })
    },
  }
  const found = { oras: [] as Run[], slipway: [] as Run[] }
  for (let at = 0; at <= runs; at++) {
    for (const name of ['oras', 'slipway'] as const) {
      await using registry = await startRegistry('distribution2')
      const run = await contenders[name](registry.url)
      if (at > 0) found[name].push(run)
    }
  }
  const base = spread(found.oras.map((run) => run.milliseconds)).median
  const time = (what: string, from: readonly Run[], goal?: string): Row => {
    const { min, median } = spread(from.map((run) => run.milliseconds))
    return {
      what,
      min: seconds(min),
      median: seconds(median),
      ratio: times(median / base),
      ...(goal && { goal }),
    }
  }
  const memory = (what: string, from: readonly Run[], goal?: string): Row => {
    const { min, median } = spread(from.map((run) => run.peak))
    return { what, min: mebibytes(min), median: mebibytes(median), ...(goal && { goal }) }
  }
  return [
    time('1 GiB layer: oras cp', found.oras),
    time('1 GiB layer: slipway publish', found.slipway, '≤ 1.10×'),
    memory('1 GiB layer: peak memory of oras', found.oras),
    memory('1 GiB layer: peak memory of slipway', found.slipway, '≤ 120 MB'),
  ]
}

/** An OCI layout with one manifest, an empty config and one layer of random bytes. */
async function artifact(folder: string): Promise<void> {
  const blobs = join(folder, 'blobs/sha256')
  await mkdir(blobs, { recursive: true })
  const blob = async (bytes: string) => {
    const digest = createHash('sha256').update(bytes).digest('hex')
    await writeFile(join(blobs, digest), bytes)
    return { digest: `sha256:${digest}`, size: Buffer.byteLength(bytes) }
  }
  const piece = randomBytes(1024 * 1024)
  const hash = createHash('sha256')
  const file = await open(join(blobs, 'layer'), 'w')
  for (let at = 0; at < gibibyte / piece.byteLength; at++) {
    piece.writeUInt32LE(at)
    hash.update(piece)
    await file.write(piece)
  }
  await file.close()
  const digest = hash.digest('hex')
  await rename(join(blobs, 'layer'), join(blobs, digest))
  const layer = { mediaType: 'application/octet-stream', digest: `sha256:${digest}`, size: gibibyte }
  const config = { mediaType: 'application/vnd.oci.empty.v1+json', ...(await blob('{}')) }
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const artifactType = 'application/vnd.example.large'
  const manifest = await blob(
    JSON.stringify({ schemaVersion: 2, mediaType, artifactType, config, layers: [layer] }),
  )
  const annotations = { 'org.opencontainers.image.ref.name': '1.0.0' }
  const index = { schemaVersion: 2, manifests: [{ mediaType, ...manifest, annotations }] }
  await writeFile(join(folder, 'index.json'), JSON.stringify(index))
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
}
