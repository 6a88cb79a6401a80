import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type CacheKey, PackageCache } from '../../src/install/cache.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { bytesOf, chunks, incompressible, packageOf, recording, temporaryFolder } from './packages.ts'

const bytes = packageOf('kubernetes', '1.28.0')
const key: CacheKey = { kind: 'taskserv', name: 'kubernetes', version: '1.28.0', layer: digestOf(bytes) }
const origin = { source: 'oci://ghcr.io/example/kubernetes', manifest: digestOf('manifest') }
const child = fileURLToPath(new URL('./cache-process.ts', import.meta.url))

async function opened() {
  const folder = await temporaryFolder()
  const report = recording()
  const dir = join(folder.path, 'cache')
  const pulled = { times: 0 }
  const from = () => {
    pulled.times++
    return chunks(bytes)
  }
  const cache = new PackageCache(dir, report)
  const read = (of = cache, wanted = key) => bytesOf(of.read(wanted, origin, from))
  return { folder, dir, report, cache, pulled, read, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] }
}

describe('the cache of packages', () => {
  it('has the places that the provisioning system looks at, and a sidecar with digests', async () => {
    await using t = await opened()
    await t.read()
    expect((await readdir(t.dir, { recursive: true })).sort()).toEqual([
      'extensions',
      'extensions/taskserv',
      'extensions/taskserv/kubernetes',
      'extensions/taskserv/kubernetes/1.28.0',
      'extensions/taskserv/kubernetes/1.28.0/artifact.tar.gz',
      'extensions/taskserv/kubernetes/1.28.0/artifact.tar.gz.json',
    ])
    expect(JSON.parse(await readFile(`${t.cache.path(key)}.json`, 'utf8'))).toEqual({
      layer: key.layer,
      manifest: origin.manifest,
      size: bytes.byteLength,
      source: origin.source,
    })
    expect(t.cache.path({ kind: 'kcl', name: 'network', version: '0.1.0' })).toBe(
      join(t.dir, 'kcl/network/0.1.0/package.tar.gz'),
    )
  })

  it('has no place for names and versions that lead elsewhere', async () => {
    await using t = await opened()
    for (const wanted of [{ name: '../x' }, { version: '../../1.0.0' }, { version: '1.0' }])
      await expect(t.read(t.cache, { ...key, ...wanted })).rejects.toMatchObject({
        code: 'INSTALL_ITEM_INVALID',
      })
    expect(existsSync(t.dir)).toBe(false)
  })

  it('fetches once, also for a later process, and counts', async () => {
    await using t = await opened()
    expect(await t.cache.get(key)).toBeUndefined()
    for (let n = 0; n < 3; n++) expect((await t.read()).equals(bytes)).toBe(true)
    const later = new PackageCache(t.dir, t.report)
    expect((await t.read(later)).equals(bytes)).toBe(true)
    expect(await later.get(key)).toBe(t.cache.path(key))
    expect(t.pulled.times).toBe(1)
    expect(t.cache.counters).toMatchObject({ hits: 2, misses: 2, pulls: 1, bytes: bytes.byteLength })
    expect(later.counters).toMatchObject({ hits: 2, misses: 0, pulls: 0, bytes: 0, milliseconds: 0 })
    expect(t.report.events).toEqual([])
  })

  it.each<[string, (path: string) => Promise<unknown>]>([
    ['changed', (path) => writeFile(path, Buffer.from(bytes).fill(1, 20, 21))],
    ['cut off', (path) => truncate(path, 10)],
    ['emptied', (path) => truncate(path, 0)],
    ['beside a sidecar that is none', (path) => writeFile(`${path}.json`, '{"layer":')],
    ['beside a sidecar without digest', (path) => writeFile(`${path}.json`, '{"layer": 7}')],
  ])('says that a file is damaged when it is %s, and fetches it again', async (_name, damage) => {
    await using t = await opened()
    await t.read()
    await damage(t.cache.path(key))
    expect((await t.read()).equals(bytes)).toBe(true)
    expect(t.report.warnings).toEqual(['CACHE_CORRUPT'])
    expect((await t.read()).equals(bytes)).toBe(true)
    expect(t.report.warnings).toEqual(['CACHE_CORRUPT'])
    expect(t.pulled.times).toBe(2)
  })

  it('takes other content under the same version for another package, not for damage', async () => {
    await using t = await opened()
    await t.read()
    const rebuilt = packageOf('kubernetes', '1.28.0', ['manifest.yaml', 'more'])
    const other = { ...key, layer: digestOf(rebuilt) }
    const read = await bytesOf(t.cache.read(other, origin, () => chunks(rebuilt)))
    expect(read.equals(rebuilt)).toBe(true)
    expect((await t.read()).equals(bytes)).toBe(true)
    expect(t.report.events).toEqual([])
  })

  it('uses what a writer that was killed before the sidecar left, if it is the right content', async () => {
    await using t = await opened()
    await t.read()
    await rm(`${t.cache.path(key)}.json`)
    expect((await t.read()).equals(bytes)).toBe(true)
    expect(t.pulled.times).toBe(1)
    await writeFile(t.cache.path(key), 'something else')
    await rm(`${t.cache.path(key)}.json`, { force: true })
    expect((await t.read()).equals(bytes)).toBe(true)
    expect(t.pulled.times).toBe(2)
    expect(t.report.events).toEqual([])
  })

  it('keeps nothing of a source that sends something else or breaks off', async () => {
    await using t = await opened()
    const wrong = t.cache.read(key, origin, () => chunks(packageOf('kubernetes', '1.28.1')))
    await expect(bytesOf(wrong)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH', exit: 1 })
    const broken = t.cache.read(key, origin, async function* () {
      yield bytes.subarray(0, 100)
      throw new Error('connection lost')
    })
    await expect(bytesOf(broken)).rejects.toThrow('connection lost')
    expect(existsSync(t.cache.path(key))).toBe(false)
    expect((await readdir(t.dir)).filter((name) => name.startsWith('.'))).toEqual([])
    expect((await t.read()).equals(bytes)).toBe(true)
  })

  it('is left to two processes at once', async () => {
    await using t = await opened()
    const archive = join(t.folder.path, 'package.tar.gz')
    await writeFile(archive, incompressible(20, 8192))
    const runs = [1, 2, 3].map(async () => {
      const run = spawn(process.execPath, [child, t.dir, archive, '10'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [output, [code]] = await Promise.all([Array.fromAsync(run.stdout), once(run, 'close')])
      expect(code).toBe(0)
      return Buffer.concat(output as Buffer[]).toString()
    })
    for (const output of await Promise.all(runs))
      expect(JSON.parse(output)).toMatchObject({ warnings: [], reads: 10 })
    expect((await readdir(t.dir)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('that is full is done without, and said once', async () => {
    await using t = await opened()
    const archive = join(t.folder.path, 'package.tar.gz')
    await writeFile(archive, incompressible(20, 8192))
    // No file may become larger than 64 KiB: the system's answer is EFBIG, as on a full disk ENOSPC.
    const limited = `ulimit -f 128; exec "$0" "$@"`
    const args = ['-c', limited, process.execPath, child, t.dir, archive, '3']
    const { stdout, status } = spawnSync('sh', args, { encoding: 'utf8' })
    expect(status).toBe(0)
    // Only the first is fetched twice: once for the cache, in vain.
    expect(JSON.parse(stdout)).toEqual({ warnings: ['CACHE_UNUSABLE'], reads: 3, pulls: 4 })
    const left = await readdir(t.dir, { recursive: true, withFileTypes: true })
    expect(left.filter((one) => one.isFile())).toEqual([])
  })

  it('that cannot be written is done without, and said once', async () => {
    await using t = await opened()
    await writeFile(t.dir, 'a file')
    expect((await t.read()).equals(bytes)).toBe(true)
    expect((await t.read()).equals(bytes)).toBe(true)
    expect(t.report.warnings).toEqual(['CACHE_UNUSABLE'])
    expect(t.cache.counters).toMatchObject({ hits: 0, pulls: 2 })
  })

  it('that cannot be read is done without', async () => {
    await using t = await opened()
    await t.read()
    const path = t.cache.path(key)
    await rm(path)
    await mkdir(path)
    expect((await t.read()).equals(bytes)).toBe(true)
    expect(t.report.warnings).toEqual(['CACHE_UNUSABLE'])
    await chmod(path, 0o755)
  })

  it('ends where the caller does', async () => {
    await using t = await opened()
    const abort = new AbortController()
    await t.read()
    abort.abort(new Error('interrupted'))
    const read = t.cache.read(key, origin, () => chunks(bytes), { signal: abort.signal })
    await expect(bytesOf(read)).rejects.toThrow('interrupted')
    expect(t.report.events).toEqual([])
  })
})

describe('pruning the cache', () => {
  const day = 86_400_000
  const used = async (path: string, days: number) => {
    const at = new Date(Date.now() - days * day)
    await utimes(path, at, at)
  }
  async function filled() {
    const t = await opened()
    const put = async (version: string, days: number) => {
      const wanted = { ...key, version }
      await t.cache.put(wanted, origin, chunks(bytes))
      await used(t.cache.path(wanted), days)
    }
    await put('1.0.0', 30)
    await put('2.0.0', 20)
    await put('3.0.0', 10)
    const network = { ...key, kind: 'kcl', name: 'network' } as const
    await t.cache.put(network, origin, chunks(bytes))
    await used(t.cache.path(network), 40)
    const left = async () =>
      (await readdir(join(t.dir, 'extensions/taskserv/kubernetes')).catch(() => [])).sort()
    return { ...t, left }
  }

  it('by age takes what was not used for long, with its folders', async () => {
    await using t = await filled()
    const size = bytes.byteLength
    expect(await t.cache.prune({ olderThan: 15 * day })).toEqual({ removed: 3, freed: 3 * size, kept: size })
    expect(await t.left()).toEqual(['3.0.0'])
    expect(await readdir(join(t.dir, 'kcl'))).toEqual([])
  })

  it('by size takes the least recently used first; a hit counts as use', async () => {
    await using t = await filled()
    await t.read(t.cache, { ...key, version: '1.0.0' })
    const size = bytes.byteLength
    expect(await t.cache.prune({ maxBytes: 2 * size })).toEqual({
      removed: 2,
      freed: 2 * size,
      kept: 2 * size,
    })
    expect(await t.left()).toEqual(['1.0.0', '3.0.0'])
    expect(t.pulled.times).toBe(0)
  })

  it('takes nothing where no limit is exceeded, and nothing that is not a package', async () => {
    await using t = await filled()
    const elsewhere = join(t.folder.path, 'elsewhere/9.0.0')
    await mkdir(elsewhere, { recursive: true })
    await writeFile(join(elsewhere, 'artifact.tar.gz'), 'mine')
    await symlink(join(t.folder.path, 'elsewhere'), join(t.dir, 'extensions/taskserv/linked'))
    await writeFile(join(t.dir, 'extensions/taskserv/kubernetes/1.0.0/notes.txt'), 'mine')
    expect(await t.cache.prune({})).toMatchObject({ removed: 0, freed: 0 })
    expect(await t.cache.prune({ maxBytes: 0 })).toMatchObject({ removed: 4, kept: 0 })
    expect(await readFile(join(elsewhere, 'artifact.tar.gz'), 'utf8')).toBe('mine')
    expect(await t.left()).toEqual(['1.0.0'])
    expect((await stat(t.dir)).isDirectory()).toBe(true)
  })

  it('takes what killed writers left an hour ago', async () => {
    await using t = await filled()
    const partial = join(t.dir, '.slipway-partial-1-abc')
    await writeFile(partial, 'x')
    await t.cache.prune({})
    expect(existsSync(partial)).toBe(true)
    await used(partial, 1)
    await t.cache.prune({})
    expect(existsSync(partial)).toBe(false)
  })
})
