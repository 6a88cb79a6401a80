import { cached } from '../../src/store/cached.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import { rehearse } from '../../src/store/rehearse.ts'
import { storeContract } from '../contract/store.ts'

storeContract(
  'a rehearsal',
  async () => {
    const registry = rehearse(memoryRegistry())
    return { registry, dispose: async () => registry[Symbol.asyncDispose]() }
  },
  {
    reason: 'a rehearsal keeps nothing and reads no content when it is pushed',
    tests: [
      'everything is there when the place is opened again',
      'content of another digest leaves nothing behind',
      'content of another size leaves nothing behind',
      'one failed push does not fail those that waited for it',
      'sixteen pushes of one blob at once open it at most once',
      'a signal that fires on the way stops an upload, and nothing stays',
    ],
  },
)

storeContract(
  'a cached registry',
  async () => {
    const cache = memoryRegistry('cache')
    const registry = cached(memoryRegistry(), cache.repository('content'))
    return { registry, dispose: async () => registry[Symbol.asyncDispose]() }
  },
  { reason: 'memory ends with its object', tests: ['everything is there when the place is opened again'] },
)
