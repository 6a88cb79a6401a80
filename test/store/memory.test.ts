import { memoryRegistry } from '../../src/store/memory.ts'
import { storeContract } from '../contract/store.ts'

storeContract(
  'memory',
  async () => {
    const registry = memoryRegistry()
    return { registry, dispose: async () => registry[Symbol.asyncDispose]() }
  },
  { reason: 'memory ends with its object', tests: ['everything is there when the place is opened again'] },
)
