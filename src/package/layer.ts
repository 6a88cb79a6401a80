import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { SlipwayError } from '../core/error.ts'
import type { Annotations } from '../oci/descriptor.ts'
import { type Digest, Digester, digestOf } from '../oci/digest.ts'
import { type Content, contentOf } from '../store/store.ts'
import { type Compression, compress, compressSync } from '../tarball/compress.ts'
import { arrange, writeTar, writeTarSync } from '../tarball/write.ts'
import { comparePaths } from '../tree/path.ts'
import { readBytes } from '../tree/text.ts'
import type { TreeFile } from '../tree/tree.ts'
import { listingFile } from './choose.ts'
import { encodeListing, type ListedFile, listed, sha256, sha256Of } from './oci-manifest.ts'

/** Bytes up to which a package is made in memory; beyond, its layer goes through a file. */
const memoryLimit = 8 * 1024 * 1024

export interface LayerInput {
  readonly files: readonly TreeFile[]
  /** For messages. */
  readonly name: string
  readonly artifactType: string
  readonly annotations: Annotations
  readonly compression: Compression
  /** Time of every entry, in seconds since 1970. */
  readonly seconds: number
  /** Folder for the layer of a large package; default: the system's. */
  readonly scratch?: string
  readonly signal?: AbortSignal
}

/** A layer's bytes until it is disposed of. */
export interface Layer extends AsyncDisposable {
  readonly digest: Digest
  /** Digest of the tar inside: the image spec's DiffID. */
  readonly diffId: Digest
  /** Bytes. */
  readonly size: number
  /** Bytes of the tar inside. */
  readonly uncompressed: number
  /** Files and links, `oci-manifest.json` included. */
  readonly count: number
  readonly content: Content
}

/**
 * Makes the archive of a package, with its listing among the files. Which way it is made depends on the
 * sizes alone, so that equal files always lead to equal bytes.
 * @throws everything `arrange` throws, TREE_FILE_CHANGED
 */
export async function makeLayer(input: LayerInput): Promise<Layer> {
  const files = arrange(input.files, input.name)
  const total = files.reduce((sum, file) => sum + file.size, 0)
  return total <= memoryLimit ? await inMemory(files, input) : await throughFile(files, input)
}

async function inMemory(files: readonly TreeFile[], input: LayerInput): Promise<Layer> {
  const entries: { entry: TreeFile; bytes: Uint8Array }[] = []
  for (const entry of files) {
    input.signal?.throwIfAborted()
    entries.push({ entry, bytes: await readBytes(entry, input.name, memoryLimit) })
  }
  const list = entries.map(({ entry, bytes }) => listed(entry, sha256(bytes)))
  const listing = encodeListing({
    artifactType: input.artifactType,
    annotations: input.annotations,
    files: list,
  })
  entries.push({ entry: listingEntry(listing), bytes: listing })
  entries.sort((a, b) => comparePaths(a.entry.path, b.entry.path))
  const tar = writeTarSync(entries, input.seconds)
  const bytes = input.compression === 'off' ? tar : compressSync(tar, input.compression)
  const diffId = digestOf(tar)
  return {
    digest: input.compression === 'off' ? diffId : digestOf(bytes),
    diffId,
    size: bytes.byteLength,
    uncompressed: tar.byteLength,
    count: entries.length,
    content: contentOf(bytes),
    async [Symbol.asyncDispose]() {},
  }
}

async function throughFile(files: readonly TreeFile[], input: LayerInput): Promise<Layer> {
  const sums = new Map<string, string>()
  const list: ListedFile[] = []
  for (const file of files) {
    input.signal?.throwIfAborted()
    const sum = file.link === undefined ? await sha256Of(file) : ''
    sums.set(file.path, sum)
    list.push(listed(file, sum))
  }
  const listing = encodeListing({
    artifactType: input.artifactType,
    annotations: input.annotations,
    files: list,
  })
  const entries = arrange([...files.map((file) => expecting(file, sums)), listingEntry(listing)], input.name)
  const folder = await mkdtemp(join(input.scratch ?? tmpdir(), 'slipway-layer-'))
  const drop = () => rm(folder, { recursive: true, force: true })
  try {
    const path = join(folder, 'layer')
    const inside = new Digester()
    const outside = new Digester()
    const tar = digesting(writeTar(entries, input.seconds), inside)
    const bytes = input.compression === 'off' ? tar : digesting(compress(tar, input.compression), outside)
    await pipeline(bytes, createWriteStream(path), { signal: input.signal })
    const diffId = inside.digest()
    const off = input.compression === 'off'
    return {
      digest: off ? diffId : outside.digest(),
      diffId,
      size: off ? inside.size : outside.size,
      uncompressed: inside.size,
      count: entries.length,
      content: { open: (start = 0) => createReadStream(path, { start, highWaterMark: 64 * 1024 }) },
      [Symbol.asyncDispose]: drop,
    }
  } catch (error) {
    await drop()
    throw error
  }
}

/** The listing's digests are written before the files: what comes in the second reading must be the same. */
function expecting(file: TreeFile, sums: ReadonlyMap<string, string>): TreeFile {
  if (file.link !== undefined) return file
  return {
    ...file,
    async *open() {
      const digester = new Digester()
      for await (const chunk of file.open()) {
        digester.update(chunk)
        yield chunk
      }
      if (digester.digest() !== `sha256:${sums.get(file.path)}`)
        throw new SlipwayError('TREE_FILE_CHANGED', `${file.path} changed while it was packed`, {
          hint: 'Run again once nothing writes to the folder.',
        })
    },
  }
}

function listingEntry(bytes: Uint8Array): TreeFile {
  return {
    path: listingFile,
    executable: false,
    size: bytes.byteLength,
    async *open() {
      yield bytes
    },
  }
}

async function* digesting(source: AsyncIterable<Uint8Array>, digester: Digester): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    digester.update(chunk)
    yield chunk
  }
}
