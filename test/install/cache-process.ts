/** Reads one package through a cache, as a process of its own: `node cache-process.ts DIR ARCHIVE TIMES`. */
import { readFile } from 'node:fs/promises'
import { silent } from '../../src/core/report.ts'
import { PackageCache } from '../../src/install/cache.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { bytesOf, chunks } from './packages.ts'

const [dir = '', archive = '', times = '1'] = process.argv.slice(2)
const bytes = await readFile(archive)
const layer = digestOf(bytes)
for (let n = 0; n < Number(times); n++) {
  const warnings: string[] = []
  const report = {
    ...silent,
    emit: (event: { type: string; code?: string }) => void warnings.push(String(event.code)),
  }
  const cache = new PackageCache(dir, report)
  const key = { kind: 'taskserv', name: 'kubernetes', version: `1.0.${n}`, layer } as const
  const read = await bytesOf(cache.read(key, { source: 'oci://h/kubernetes' }, () => chunks(bytes, 4096)))
  console.log(JSON.stringify({ same: read.equals(bytes), warnings }))
}
