import { layoutRegistry } from '../../src/store/layout.ts'
import { storeContract } from '../contract/store.ts'
import { temporaryFolder } from './folder.ts'

storeContract('a folder of layouts', async () => {
  const folder = await temporaryFolder()
  return {
    registry: layoutRegistry(folder.path),
    reopen: async () => layoutRegistry(folder.path),
    dispose: async () => folder[Symbol.asyncDispose](),
  }
})
