import type { Credential } from '../../src/registry/credential.ts'
import { type FakeOptions, startFakeRegistry } from '../fake/registry.ts'
import { connect } from '../registry/client.ts'
import { storeContract } from './store.ts'

const credential: Credential = { kind: 'basic', username: 'user', password: 'secret', source: 'a test' }

const kinds: Readonly<Record<string, FakeOptions>> = {
  'a registry': {},
  'a registry without a referrers API': { quirks: { referrers: 'no route', subjectHeader: false } },
  'a registry whose referrers API answers 404 until there is one': {
    quirks: { referrers: '404 until there is one', subjectHeader: false },
  },
  'a registry that wants bearer tokens': {
    auth: { kind: 'bearer', username: 'user', password: 'secret' },
    quirks: { referrersPage: 1, tagPage: 2, location: 'relative' },
  },
}

for (const [name, options] of Object.entries(kinds))
  storeContract(name, async () => {
    const fake = await startFakeRegistry(options)
    const registry = connect(fake, credential)
    return {
      registry,
      reopen: async () => connect(fake, credential),
      async dispose() {
        await registry[Symbol.asyncDispose]()
        await fake[Symbol.asyncDispose]()
      },
    }
  })
