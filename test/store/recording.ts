import type { Descriptor } from '../../src/oci/descriptor.ts'
import type { Encoded } from '../../src/oci/manifest.ts'
import type { Tag } from '../../src/oci/reference.ts'
import type { Call, Content, Store } from '../../src/store/store.ts'

/** What can be put in front of a store's writes: to watch, to delay, to fail. */
export interface Before {
  push?(content: Descriptor, bytes: Content): Promise<void>
  put?(manifest: Encoded): Promise<void>
  tag?(manifest: Encoded, tags: readonly Tag[]): Promise<void>
  exists?(content: Descriptor): Promise<void>
}

/** A store that tells what is done to it before it does it. */
export function watched(store: Store, before: Before): Store {
  return {
    id: store.id,
    name: store.name,
    resolve: (reference, call) => store.resolve(reference, call),
    manifest: (reference, call) => store.manifest(reference, call),
    fetch: (content, call) => store.fetch(content, call),
    tags: (call) => store.tags(call),
    referrers: (subject, filter) => store.referrers(subject, filter),
    async exists(content, call) {
      await before.exists?.(content)
      return store.exists(content, call)
    },
    async push(content: Descriptor, bytes: Content, call?: Call) {
      await before.push?.(content, bytes)
      return store.push(content, bytes, call)
    },
    async put(manifest: Encoded, call?: Call) {
      await before.put?.(manifest)
      return store.put(manifest, call)
    },
    async tag(manifest: Encoded, tags: readonly Tag[], call?: Call) {
      await before.tag?.(manifest, tags)
      return store.tag(manifest, tags, call)
    },
  }
}

/** The same store, counting what is read from it. */
export function counting(store: Store): Store & { fetched: string[]; loaded: string[] } {
  const fetched: string[] = []
  const loaded: string[] = []
  return {
    ...watched(store, {}),
    fetched,
    loaded,
    fetch(content, call) {
      fetched.push(content.digest)
      return store.fetch(content, call)
    },
    manifest(reference, call) {
      loaded.push(typeof reference === 'string' ? reference : reference.digest)
      return store.manifest(reference, call)
    },
  }
}
