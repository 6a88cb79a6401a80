import { onSide } from '../core/error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Call, Content, ReadableStore } from './store.ts'

/** A source's blob for a destination that may never open it, or open it again and again. */
export interface SourceContent extends Content {
  /** What went wrong at the source the last time it was opened, marked as the source's. */
  failure(): unknown
}

export function sourceContent(
  origin: ReadableStore,
  content: Descriptor,
  call: Call,
  onProgress: ((bytes: number) => void) | undefined,
): SourceContent {
  let failure: unknown
  return {
    origin,
    verified: true,
    failure: () => failure,
    async *open(offset = 0, reading) {
      failure = undefined
      const source = origin.fetch(content, { ...call, ...reading, offset })[Symbol.asyncIterator]()
      try {
        for (;;) {
          const next = await source.next().catch((error: unknown) => {
            failure = onSide('source', error)
            throw failure
          })
          if (next.done === true) return
          onProgress?.(next.value.byteLength)
          yield next.value
        }
      } finally {
        await source.return?.()
      }
    },
  }
}
