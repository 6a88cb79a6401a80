import { parseTag } from '../../src/oci/reference.ts'
import { layoutRegistry } from '../../src/store/layout.ts'
import { artifact } from '../contract/artifacts.ts'

/** A process of its own: `node layout-writer.ts DIR NAME COUNT` releases COUNT artifacts at once. */
const [, , folder = '', name = '', count = '0'] = process.argv
const store = layoutRegistry(folder).repository('shared')
const versions = Array.from({ length: Number(count) }, (_, at) => `${name}-${at}`)
await Promise.all(
  versions.map(async (version) => {
    const manifest = await artifact(store, version)
    await artifact(store, `signature of ${version}`, { subject: manifest.descriptor })
    await store.tag(manifest, [parseTag(version)])
  }),
)
