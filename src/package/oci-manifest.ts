import { createHash } from 'node:crypto'
import type { Annotations } from '../oci/descriptor.ts'
import type { TreeFile } from '../tree/tree.ts'

/** One line of the listing. */
export type ListedFile =
  | {
      readonly path: string
      /** Octal, as tar has it. */
      readonly mode: '0644' | '0755'
      /** Bytes. */
      readonly size: number
      /** 64 hexadecimal digits. */
      readonly sha256: string
    }
  | { readonly path: string; readonly link: string }

/** What `oci-manifest.json` inside an archive says: no time and no commit, so that the layer depends on files alone. */
export interface Listing {
  readonly artifactType: string
  readonly annotations: Annotations
  /** Every other file, sorted by path. */
  readonly files: readonly ListedFile[]
}

export function listed(file: TreeFile, sha256: string): ListedFile {
  const { path, link, size } = file
  if (link !== undefined) return { path, link }
  return { path, mode: file.executable ? '0755' : '0644', size, sha256 }
}

export function encodeListing(listing: Listing): Buffer {
  return Buffer.from(`${JSON.stringify(listing, null, 2)}\n`)
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Digests a file chunk by chunk. */
export async function sha256Of(file: TreeFile): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of file.open()) hash.update(chunk)
  return hash.digest('hex')
}
