import { layoutRegistry } from './layout.ts'
import { memoryRegistry } from './memory.ts'
import type { Registry } from './store.ts'

/** Bytes of files up to which a stage stays in memory: saves two passes over the disk for small packages. */
const inMemory = 64 * 1024 * 1024

/**
 * Where artifacts are packed, scanned and signed before any of them leaves: memory for small packages, a
 * folder outside the checkout for large ones.
 * @param bytes the size of all files that will be packed
 */
export async function openStage(bytes: number, scratch: () => Promise<string>): Promise<Registry> {
  return bytes <= inMemory ? memoryRegistry('stage') : layoutRegistry(`${await scratch()}/stage`)
}
