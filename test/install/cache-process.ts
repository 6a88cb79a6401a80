/** Reads one package through a cache, as a process of its own: `node cache-process.ts DIR ARCHIVE TIMES`. */
import { readFile } from 'node:fs/promises'
import { type Event, silent } from '../../src/core/report.ts'
import { PackageCache } from '../../src/install/cache.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { bytesOf, chunks } from './packages.ts'

const [dir = '', archive = '', times = '1'] = process.argv.slice(2)
const bytes = await readFile(archive)
const layer = digestOf(bytes)
const warnings: string[] = []
const emit = (event: Event) => {
  if (event.type === 'warning') warnings.push(event.code)
}
const cache = new PackageCache(dir, { ...silent, emit })
for (let n = 0; n < Number(times); n++) {
  const key = { kind: 'taskserv', name: 'kubernetes', version: `1.0.${n}`, layer } as const
  const read = await bytesOf(cache.read(key, { source: 'oci://h/kubernetes' }, () => chunks(bytes, 4096)))
  if (!read.equals(bytes)) throw new Error('other bytes')
}
const { hits, misses, pulls } = cache.counters
console.log(JSON.stringify({ warnings, reads: hits + misses, pulls }))
