import { type FileHandle, readFile } from 'node:fs/promises'
import { type Digest, Digester, isDigest } from '../oci/digest.ts'
import { isAbsence } from '../store/blob-folder.ts'
import type { Call } from '../store/store.ts'

/** What is known of a cached package stands beside it. */
export function sidecarOf(path: string): string {
  return `${path}.json`
}

/** Undefined where there is none. */
export async function readSidecar(path: string): Promise<{ readonly layer: Digest } | 'damaged' | undefined> {
  let text: string
  try {
    text = await readFile(sidecarOf(path), 'utf8')
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
  try {
    const { layer } = JSON.parse(text) as Record<string, unknown>
    return isDigest(layer) ? { layer } : 'damaged'
  } catch {
    return 'damaged'
  }
}

export async function digestOfFile(
  file: FileHandle,
  algorithm: string,
  call: Call | undefined,
): Promise<Digest> {
  const digester = new Digester(algorithm)
  for await (const chunk of chunksOf(file, call)) digester.update(chunk)
  return digester.digest()
}

/** From the start, whatever was read before; leaves the file open. */
export async function* chunksOf(file: FileHandle, call: Call | undefined): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    call?.signal?.throwIfAborted()
    // A buffer of its own for each chunk: whoever reads may keep it.
    const buffer = Buffer.allocUnsafeSlow(256 * 1024)
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, position)
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
