import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import type { Event } from '../../src/core/report.ts'
import { type Encoded, encode, type ImageManifest } from '../../src/oci/manifest.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { packKcl } from '../../src/package/pack-kcl.ts'
import { parseAddress } from '../../src/store/address.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import type { Registry } from '../../src/store/store.ts'
import type { Context } from '../../src/tasks/context.ts'
import { pull } from '../../src/tasks/pull.ts'
import { memoryTree } from '../../src/tree/memory.ts'

let registry: Registry
let dir: string
let events: Event[]

beforeEach(() => {
  registry = memoryRegistry()
  dir = mkdtempSync(join(tmpdir(), 'slipway-pull-'))
  events = []
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const repository = 'provisioning-kcl/net'

async function published(files: Record<string, string>, sum?: string): Promise<void> {
  const store = registry.repository(repository)
  const mod = `[package]\nname = "net"\nversion = "1.0.0"\n${files.mod ?? ''}`
  const { mod: _, ...rest } = files
  const packed = await packKcl({ name: 'net', tree: memoryTree({ ...rest, 'kcl.mod': mod }) }, store)
  const artifact: Encoded<ImageManifest> =
    sum === undefined
      ? packed.encoded
      : encode({
          ...packed.encoded.manifest,
          annotations: { ...packed.encoded.manifest.annotations, 'org.kcllang.package.sum': sum },
        })
  await store.tag(artifact, [parseTag('1.0.0')])
}

function pulled() {
  const context: Context = {
    clock: systemClock,
    report: { emit: (event) => events.push(event), secret() {} },
    signal: new AbortController().signal,
    environment: {},
    open: async () => registry,
    transport: () => Promise.reject(new Error('nothing is downloaded here')),
    scratch: () => Promise.reject(new Error('nothing needs a scratch folder here')),
  }
  const address = parseAddress(`oci://localhost:5000/${repository}:1.0.0`)
  const cacheDirectory = join(dir, 'cache')
  return pull(
    { address, output: join(dir, 'out'), replace: false, cacheDirectory, cacheOnly: false },
    context,
  )
}

const warnings = () => events.filter((event) => event.type === 'warning')

describe('pulling a KCL package', () => {
  it('unpacks it and compares its sum', async () => {
    await published({ 'a.k': 'x = 1' })
    expect(await pulled()).toMatchObject({ files: 2 })
    expect(readFileSync(join(dir, 'out/a.k'), 'utf8')).toBe('x = 1')
    expect(warnings()).toEqual([])
  })

  it('compares what Slipway packed even where kcl.mod leaves files out', async () => {
    await published({ 'a.k': 'x = 1', 'b.k': '', mod: 'exclude = ["b.k"]\n' })
    expect(await pulled()).toMatchObject({ files: 2 })
    expect(warnings()).toEqual([])
  })

  it('leaves nothing behind where the sum is another', async () => {
    await published({ 'a.k': 'x = 1' }, 'wrong')
    await expect(pulled()).rejects.toMatchObject({
      code: 'KCL_SUM_MISMATCH',
      exit: 1,
      message: expect.stringContaining('localhost:5000/provisioning-kcl/net:1.0.0'),
    })
    expect(existsSync(join(dir, 'out'))).toBe(false)
    const left = readdirSync(dir, { recursive: true, withFileTypes: true })
    expect(left.filter((one) => one.isFile())).toEqual([])
  })

  it.each([
    ['include and exclude', { mod: 'exclude = ["b.k"]\n' }],
    ['vendoring', { 'vendor/k8s_1.31.2/a.k': '' }],
  ])('warns where kpm’s own sum cannot be compared for %s', async (_name, files) => {
    await published({ 'a.k': 'x = 1', ...files }, 'of other files')
    await pulled()
    expect(existsSync(join(dir, 'out/a.k'))).toBe(true)
    expect(warnings()).toMatchObject([{ code: 'KCL_SUM_UNCHECKED' }])
  })
})
