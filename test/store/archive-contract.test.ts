import { join } from 'node:path'
import { archiveRegistry } from '../../src/store/archive.ts'
import { storeContract } from '../contract/store.ts'
import { temporaryFolder } from './folder.ts'

storeContract('an archive', async () => {
  const folder = await temporaryFolder()
  const file = join(folder.path, 'all.tar')
  const opened = [archiveRegistry(file, { staging: folder.path })]
  const [registry] = opened as [(typeof opened)[number]]
  return {
    registry,
    reopen: async () => {
      const again = archiveRegistry(file)
      opened.push(again)
      return again
    },
    dispose: async () => {
      for (const one of opened) await one[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
})
