import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pack } from '../../src/package/pack.ts'
import type { Store } from '../../src/store/store.ts'
import { extract } from '../../src/tarball/extract.ts'
import { folderTree } from '../../src/tree/folder.ts'

/** Packs and unpacks 300 MB in a process of its own and prints its peak memory in MB. */
const dir = process.argv[2] ?? ''
const tree = join(dir, 'tree')
const { mkdir } = await import('node:fs/promises')
await mkdir(tree)
await using file = await open(join(tree, 'large'), 'w')
await file.truncate(300 * 1024 * 1024)
const stage = {
  async push(_content: unknown, bytes: Parameters<Store['push']>[1]) {
    for await (const _ of bytes.open());
    return 'uploaded' as const
  },
  put: async () => 'uploaded' as const,
} satisfies Pick<Store, 'push' | 'put'>
const input = { kind: 'core', name: 'large', version: '1.0.0', tree: folderTree(tree) }
for (const compression of [1, 'off'] as const) {
  let copied = 0
  await pack(
    input,
    {
      ...(stage as unknown as Store),
      async push(content, bytes) {
        if (copied++ === 0)
          await extract(bytes.open(), join(dir, `out-${compression}`), {
            name: 'layer',
            limits: { ratio: 2000 },
          })
        return await stage.push(content, bytes)
      },
    },
    { compression, scratch: dir },
  )
}
console.log(Math.round(process.resourceUsage().maxRSS / 1024))
