import type { Descriptor } from '../../src/oci/descriptor.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { Encoded } from '../../src/oci/manifest.ts'
import type { Content, Store } from '../../src/store/store.ts'

/** What `pack` wrote: just enough of a store to keep it, with digests and sizes checked. */
export interface Kept {
  readonly blobs: ReadonlyMap<string, Buffer>
  readonly manifests: readonly Encoded[]
  readonly store: Store
}

export function keepingStore(): Kept {
  const blobs = new Map<string, Buffer>()
  const manifests: Encoded[] = []
  const unused = () => {
    throw new Error('packing only writes')
  }
  const store: Store = {
    id: 'kept',
    name: 'kept',
    resolve: unused,
    manifest: unused,
    exists: unused,
    fetch: unused,
    tags: unused,
    referrers: unused,
    tag: unused,
    async push(content: Descriptor, bytes: Content) {
      const all = Buffer.concat(await Array.fromAsync(bytes.open()))
      if (digestOf(all) !== content.digest || all.byteLength !== content.size) throw new Error('wrong digest')
      blobs.set(content.digest, all)
      return 'uploaded'
    },
    async put(manifest: Encoded) {
      manifests.push(manifest)
      return 'uploaded'
    },
  }
  return { blobs, manifests, store }
}
