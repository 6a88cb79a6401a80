import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Header, type HeaderData } from 'tar/header'
import type { Event, Report } from '../../src/core/report.ts'
import type { InstallItem } from '../../src/install/item.ts'
import { digestOf } from '../../src/oci/digest.ts'

/** An empty folder for one test. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'slipway-install-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** One entry of a tar, which can say what no honest writer would. */
export function entry(data: HeaderData, body: string | Buffer = ''): Buffer {
  const bytes = Buffer.from(body)
  const header = new Header({
    mode: 0o644,
    type: 'File',
    mtime: new Date(0),
    size: bytes.byteLength,
    ...data,
  })
  header.encode()
  const padding = Buffer.alloc((512 - (bytes.byteLength % 512)) % 512)
  return Buffer.concat([header.block ?? Buffer.alloc(0), bytes, padding])
}

export function archiveOf(...entries: Buffer[]): Buffer {
  return gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]))
}

/** A package with some files, whose text tells which version it is of. */
export function packageOf(
  name: string,
  version: string,
  files: readonly string[] = ['manifest.yaml'],
): Buffer {
  const run = entry({ path: 'scripts/install.nu', mode: 0o755 }, `# ${name} ${version}\n`)
  return archiveOf(run, ...files.map((path) => entry({ path }, `${name} ${version} ${path}\n`)))
}

/** Text that does not compress, so that a package is as large as its files. */
export function incompressible(files: number, size: number): Buffer {
  return archiveOf(
    ...Array.from({ length: files }, (_, n) => entry({ path: `file-${n}` }, randomBytes(size))),
  )
}

export async function* chunks(bytes: Buffer, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

export async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(source))
}

export function recording(): Report & { readonly events: Event[]; readonly warnings: string[] } {
  const events: Event[] = []
  return {
    events,
    get warnings() {
      return events.flatMap((event) => (event.type === 'warning' ? [event.code] : []))
    },
    emit: (event) => void events.push(event),
    secret() {},
  }
}

/** An item whose bytes are in memory. */
export function itemOf(
  name: string,
  version: string,
  changes: Partial<InstallItem> & { readonly bytes?: Buffer } = {},
): InstallItem & { readonly opened: { times: number } } {
  const { bytes = packageOf(name, version), ...rest } = changes
  const opened = { times: 0 }
  return {
    id: name,
    kind: 'taskserv',
    name,
    version,
    layer: digestOf(bytes),
    source: `oci://ghcr.io/example/${name}`,
    dependsOn: [],
    opened,
    open: () => {
      opened.times++
      return chunks(bytes)
    },
    ...rest,
  }
}

/** Packages of three kinds that need each other; one more in each of the two versions. */
export function fleet(version: string): InstallItem[] {
  return [
    itemOf('kubernetes', version, { dependsOn: ['containerd', 'kcl:network'] }),
    itemOf('containerd', version),
    itemOf('network', version, { id: 'kcl:network', kind: 'kcl' }),
    itemOf(version === '1.0.0' ? 'old' : 'new', version, { kind: 'cluster', dependsOn: ['kubernetes'] }),
  ]
}
