import { Header } from 'tar/header'
import { Pax } from 'tar/pax'

export interface ArchiveFile {
  readonly path: string
  /** Bytes. */
  readonly size: number
  open(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

const block = 512

/** A tar that depends on names and content alone: files in the given order, time 0, owner 0, mode 644. */
export async function* tarOf(files: Iterable<ArchiveFile>): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    yield* headerOf(file)
    yield* file.open()
    yield Buffer.alloc((block - (file.size % block)) % block)
  }
  yield Buffer.alloc(2 * block)
}

function* headerOf({ path, size }: ArchiveFile): Generator<Uint8Array> {
  const fields = { path, size, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), type: 'File' } as const
  const header = new Header(fields)
  header.encode()
  // SHA-512 names and blobs beyond 8 GiB do not fit the old fields.
  if (header.needPax) yield new Pax({ path, size }).encode()
  if (header.block !== undefined) yield header.block
}
