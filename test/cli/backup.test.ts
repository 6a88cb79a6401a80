import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { encode } from '../../src/oci/manifest.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { archiveRegistry } from '../../src/store/archive.ts'
import type { Registry } from '../../src/store/store.ts'
import { artifact, blobOf, indexOf, pushBlob } from '../contract/artifacts.ts'
import { fill, server, tagsOf } from '../mirroring/mirrors.ts'
import { slipway } from './terminal.ts'

let cwd: string

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-cli-backup-'))
  cwd = folder
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
})

const run = (...args: string[]) =>
  slipway(args[0] === 'archive' ? args : [...args, '--retries', '0'], { cwd })
const file = (name: string) => join(cwd, name)

/** Two repositories with an index, a moving tag, a referrer, its referrer, and signatures under tags. */
async function namespace(client: Registry) {
  await fill(client, { 'acme/tools/two': ['2.0.0'], 'other/three': ['3.0.0'] })
  const store = client.repository('acme/one')
  const image = await artifact(store, 'image')
  const index = indexOf([image])
  await store.put(index)
  await store.tag(index, [parseTag('1.0.0'), parseTag('latest')])
  const sbom = await artifact(store, 'sbom', { subject: image.descriptor })
  const about = await artifact(store, 'about the sbom', { subject: sbom.descriptor })
  const cosign = parseTag(`${image.descriptor.digest.replace(':', '-')}.sig`)
  const orphan = parseTag(`sha256-${'0'.repeat(64)}.sig`)
  await store.tag(await artifact(store, 'signature'), [cosign])
  await store.tag(await artifact(store, 'of something without a tag'), [orphan])
  return { image, index, sbom, about, tags: ['1.0.0', 'latest', cosign, orphan].sort() }
}

describe('slipway registry backup and restore', () => {
  for (const [kind, place] of [
    ['an archive', 'archive:bundle.tar'],
    ['a folder', 'layout:bundle'],
  ] as const)
    for (const referrers of ['api', 'no route'] as const)
      test(`bring a whole namespace over ${kind}, referrers by ${referrers === 'api' ? 'API' : 'tags'}`, async () => {
        const quirks = referrers === 'api' ? {} : { quirks: { referrers: 'no route' } as const }
        const [a, b] = [await server(quirks), await server()]
        const made = await namespace(a.client)
        const there = await run('registry', 'backup', `oci://${a.fake.host}/acme`, place, '--json')
        expect(there.exit, there.stderr).toBe(0)
        expect(JSON.parse(there.stdout).repositories).toMatchObject([
          { source: `oci://${a.fake.host}/acme/one`, state: 'copied' },
          { source: `oci://${a.fake.host}/acme/tools/two`, state: 'copied' },
        ])
        a.fake.clearLog()
        const back = await run('registry', 'restore', place, `oci://${b.fake.host}/copy`, '--json')
        expect(back.exit, back.stderr).toBe(0)
        expect(a.fake.requests).toEqual([])
        expect(JSON.parse(back.stdout)).toMatchObject({ checked: { manifests: 7 }, exit: 0 })
        expect(await Array.fromAsync(b.client.repositories())).toEqual(['copy/one', 'copy/tools/two'])
        const copied = b.client.repository('copy/one')
        expect(await tagsOf(b.client, 'copy/one')).toEqual(made.tags)
        expect((await copied.resolve(parseTag('latest')))?.digest).toBe(made.index.descriptor.digest)
        const digests = async (subject: typeof made.image) =>
          (await Array.fromAsync(copied.referrers(subject.descriptor))).map((one) => one.digest)
        expect(await digests(made.image)).toEqual([made.sbom.descriptor.digest])
        expect(await digests(made.sbom)).toEqual([made.about.descriptor.digest])
      })

  test('take only the repositories that are named, and refuse a name that is not there', async () => {
    const [a, b] = [await server(), await server()]
    await namespace(a.client)
    const source = `oci://${a.fake.host}`
    const wrong = await run('registry', 'backup', source, 'archive:b.tar', '--repository', 'acme/ones')
    expect([wrong.exit, wrong.stderr.includes('MIRROR_NO_MATCH')]).toEqual([2, true])
    await run('registry', 'backup', source, 'archive:b.tar', '--repository', 'acme/tools/*, other/three')
    const way = ['archive:b.tar', `oci://${b.fake.host}`, '--repository', 'other/*']
    expect((await run('registry', 'restore', ...way)).exit).toBe(0)
    expect(await Array.fromAsync(b.client.repositories())).toEqual(['other/three'])
    const rest = await run('registry', 'restore', 'archive:b.tar', `oci://${b.fake.host}`, '--json')
    expect(JSON.parse(rest.stdout).repositories.map((one: { state: string }) => one.state)).toEqual([
      'copied',
      'unchanged',
    ])
    expect(await Array.fromAsync(b.client.repositories())).toEqual(['acme/tools/two', 'other/three'])
  })

  test('carry content that they know nothing of, such as the databases of trivy, with its digest', async () => {
    const [a, b] = [await server(), await server()]
    const store = a.client.repository('aquasecurity/trivy-db')
    const config = blobOf('{}', 'application/vnd.aquasec.trivy.config.v1+json')
    const layer = blobOf('a database', 'application/vnd.aquasec.trivy.db.layer.v1.tar+gzip')
    for (const blob of [config, layer]) await pushBlob(store, blob)
    const database = encode({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: config.descriptor,
      layers: [layer.descriptor],
      annotations: { 'org.opencontainers.image.title': 'db.tar.gz' },
    })
    await store.tag(database, [parseTag('2')])
    await run('registry', 'backup', `oci://${a.fake.host}/aquasecurity`, 'archive:db.tar')
    await run('registry', 'restore', 'archive:db.tar', `oci://${b.fake.host}/mirror`)
    const copied = b.client.repository('mirror/trivy-db')
    expect((await copied.manifest(parseTag('2')))?.bytes).toEqual(Buffer.from(database.bytes))
    const bytes = Buffer.concat(await Array.fromAsync(copied.fetch(layer.descriptor)))
    expect(bytes.toString()).toBe('a database')
  })

  test('say what to do with tags that no repository is named for', async () => {
    await using bare = archiveRegistry(file('bare.tar'))
    const store = bare.repository('')
    await store.tag(await artifact(store, 'of another tool'), [parseTag('1.0.0')])
    await bare.finish()
    const b = await server()
    const refused = await run('registry', 'restore', 'archive:bare.tar', `oci://${b.fake.host}`)
    expect([refused.exit, refused.stderr.includes('REPOSITORY_UNNAMED')]).toEqual([2, true])
    expect(refused.stderr).toContain(`slipway copy archive:${file('bare.tar')}:TAG`)
  })

  test('move no tag that stands for other content unless told to', async () => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { one: ['1.0.0'], two: ['1.0.0'] })
    await run('registry', 'backup', `oci://${a.fake.host}`, 'archive:b.tar')
    const store = b.client.repository('two')
    const other = await artifact(store, 'other content')
    await store.tag(other, [parseTag('1.0.0')])
    b.fake.clearLog()
    const way = ['registry', 'restore', 'archive:b.tar', `oci://${b.fake.host}`]
    const refused = await run(...way)
    expect(refused.exit).toBe(3)
    expect(refused.stderr).toContain('TAG_EXISTS')
    expect(refused.stderr).toContain(`${b.fake.host}/two:1.0.0 (${other.descriptor.digest})`)
    expect(b.fake.log(/^(PUT|POST|PATCH)/)).toEqual([])
    const moved = await run(...way, '--allow-overwrite')
    expect(moved.exit, moved.stderr).toBe(0)
    const ours = await a.client.repository('two').resolve(parseTag('1.0.0'))
    expect((await store.resolve(parseTag('1.0.0')))?.digest).toBe(ours?.digest)
  })

  test('write nothing from an archive that was cut off or changed', async () => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { one: ['1.0.0'] })
    await run('registry', 'backup', `oci://${a.fake.host}`, 'archive:b.tar')
    const whole = readFileSync(file('b.tar'))
    const way = ['registry', 'restore', 'archive:b.tar', `oci://${b.fake.host}`]
    // Its last place is the layer: the index stands before all blobs.
    const changedBytes = Buffer.from(whole)
    changedBytes[whole.lastIndexOf('one:1.0.0')] = 0
    writeFileSync(file('b.tar'), changedBytes)
    const changed = await run(...way)
    expect([changed.exit, changed.stderr.includes('ARCHIVE_INVALID')]).toEqual([1, true])
    writeFileSync(file('b.tar'), whole)
    truncateSync(file('b.tar'), Math.floor(whole.byteLength / 2))
    const cut = await run(...way)
    expect([cut.exit, /ARCHIVE_(INVALID|INCOMPLETE)/.test(cut.stderr)]).toEqual([1, true])
    expect(b.fake.log(/^(PUT|POST|PATCH)/)).toEqual([])
    expect((await run('registry', 'restore', 'archive:c.tar', `oci://${b.fake.host}`)).stderr).toContain(
      'SOURCE_UNKNOWN',
    )
  })

  test('go on after a failure of one repository, and complete on the next run', async () => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { one: ['1.0.0'], two: ['1.0.0', '1.1.0'] })
    await run('registry', 'backup', `oci://${a.fake.host}`, 'archive:b.tar')
    b.fake.fail({ method: 'PUT', path: /^\/v2\/two\/manifests\/1\.1\.0/, status: 500 })
    const way = ['registry', 'restore', 'archive:b.tar', `oci://${b.fake.host}`, '--json']
    const first = await run(...way)
    expect(first.exit).toBe(1)
    expect(JSON.parse(first.stdout).repositories).toMatchObject([
      { state: 'copied' },
      { state: 'partial', failures: [{ tag: '1.1.0' }] },
    ])
    b.fake.heal()
    const second = await run(...way)
    expect(second.exit, second.stderr).toBe(0)
    expect(JSON.parse(second.stdout).total.tags).toEqual({ copied: 1, unchanged: 2, failed: 0 })
  })

  test('write nothing in a dry run, and are refused between registries', async () => {
    const a = await server()
    await fill(a.client, { one: ['1.0.0'] })
    const dry = await run(
      'registry',
      'backup',
      `oci://${a.fake.host}`,
      'archive:b.tar',
      '--dry-run',
      '--json',
    )
    expect(JSON.parse(dry.stdout)).toMatchObject({ dryRun: true, result: { total: { tags: { copied: 1 } } } })
    expect(existsSync(file('b.tar')) || existsSync(file('b.lock'))).toBe(false)
    const registries = [`oci://${a.fake.host}/one`, `oci://${a.fake.host}/two`]
    expect((await run('registry', 'backup', ...registries)).stderr).toContain('BACKUP_DESTINATION')
    expect((await run('registry', 'restore', ...registries)).stderr).toContain('RESTORE_SOURCE')
  })
})

describe('slipway registry backup --since', () => {
  /** A first archive, then a new version that shares a blob with the old one; the second archive. */
  async function twice() {
    const a = await server()
    const store = a.client.repository('one')
    const old = await artifact(store, 'x'.repeat(50_000))
    await store.tag(old, [parseTag('1.0.0')])
    await fill(a.client, { two: ['1.0.0'] })
    const source = `oci://${a.fake.host}`
    expect((await run('registry', 'backup', source, 'archive:w1.tar')).exit).toBe(0)
    await store.tag(await artifact(store, 'new'), [parseTag('1.1.0')])
    const way = ['registry', 'backup', source, 'archive:w2.tar', '--since', 'w1.lock'] as const
    const dry = JSON.parse((await run(...way, '--dry-run', '--json')).stdout)
    expect(dry.result.total.bytes.uploaded).toBeLessThan(10_000)
    const second = await run(...way)
    expect(second.exit, second.stderr).toBe(0)
    return { a, source }
  }

  test('leaves out the blobs of the earlier archive, and both together make the whole', async () => {
    const { a, source } = await twice()
    const b = await server()
    expect(statSync(file('w2.tar')).size).toBeLessThan(20_000)
    for (const one of ['w1', 'w2']) {
      const loaded = await run('registry', 'restore', `archive:${one}.tar`, `oci://${b.fake.host}`)
      expect(loaded.exit, loaded.stderr).toBe(0)
    }
    expect(await tagsOf(b.client, 'one')).toEqual(['1.0.0', '1.1.0'])
    // A lock says what a whole copy holds, whichever archives brought it.
    a.fake.clearLog()
    await run('registry', 'backup', source, 'archive:full.tar')
    expect(readFileSync(file('full.lock'))).toEqual(readFileSync(file('w2.lock')))
    expect(readFileSync(file('full.lock'))).not.toEqual(readFileSync(file('w1.lock')))
  })

  test('says what is missing where the earlier archive was never loaded, before it writes', async () => {
    await twice()
    const b = await server()
    const checked = await run('archive', 'verify', 'archive:w2.tar', '--json')
    expect(JSON.parse(checked.stdout).elsewhere).toBeGreaterThan(0)
    const loaded = await run('registry', 'restore', 'archive:w2.tar', `oci://${b.fake.host}`)
    expect(loaded.exit).toBe(1)
    expect(loaded.stderr).toContain('RESTORE_EARLIER_MISSING')
    expect(loaded.stderr).toMatch(/\/one@sha256:[0-9a-f]{64}/)
    expect(b.fake.log(/^(PUT|POST|PATCH)/)).toEqual([])
  })

  test('needs a new file and a lock that is one', async () => {
    const { source } = await twice()
    const refused = async (...args: string[]) =>
      /\[([A-Z_]+)\]/.exec((await run('registry', 'backup', source, ...args)).stderr)?.[1]
    expect(await refused('archive:w1.tar', '--since', 'w1.lock')).toBe('BACKUP_SINCE')
    expect(await refused('archive:w2.tar')).toBe('BACKUP_SINCE')
    expect(await refused('layout:w3', '--since', 'w1.lock')).toBe('BACKUP_SINCE')
    expect(await refused('archive:w3.tar', '--since', 'w0.lock')).toBe('BUNDLE_LOCK_MISSING')
    for (const text of [
      '{',
      '[]',
      '{"version":1}',
      '{"version":1,"repositories":{"A":{}}}',
      '{"version":1,"repositories":{"one":{"tags":{"1":"x"},"content":{}}}}',
      '{"version":1,"repositories":{"one":{"tags":{},"content":{"sha256:1":1}}}}',
    ]) {
      writeFileSync(file('bad.lock'), text)
      expect(await refused('archive:w3.tar', '--since', 'bad.lock'), text).toBe('BUNDLE_LOCK_INVALID')
    }
    writeFileSync(file('bad.lock'), '{"version":2}')
    expect(await refused('archive:w3.tar', '--since', 'bad.lock')).toBe('BUNDLE_LOCK_NEWER')
    expect(existsSync(file('w3.tar'))).toBe(false)
  })
})

describe('slipway archive pack', () => {
  test('makes parts that restore takes as they are, and unpack puts together', async () => {
    const [a, b] = [await server(), await server()]
    await namespace(a.client)
    await run('registry', 'backup', `oci://${a.fake.host}/acme`, 'archive:b.tar')
    const whole = readFileSync(file('b.tar'))
    const packed = await run('archive', 'pack', 'archive:b.tar', '--split', '1KB', '--zstd', '--json')
    expect(packed.exit, packed.stderr).toBe(0)
    const { parts } = JSON.parse(packed.stdout) as { parts: { name: string; size: number }[] }
    expect(parts.length).toBeGreaterThan(1)
    expect(parts[1]).toMatchObject({ name: 'b.tar.zst.001' })
    const exists = await run('archive', 'unpack', 'archive:b.tar')
    expect([exists.exit, exists.stderr.includes('UNPACK_EXISTS')]).toEqual([2, true])
    rmSync(file('b.tar'))
    const way = ['registry', 'restore', 'archive:b.tar', `oci://${b.fake.host}`]
    const second = readFileSync(file('b.tar.zst.001'))
    rmSync(file('b.tar.zst.001'))
    const missing = await run(...way)
    expect([missing.exit, missing.stderr.includes('b.tar.zst.001 is missing')]).toEqual([1, true])
    expect(b.fake.log(/^(PUT|POST|PATCH)/)).toEqual([])
    writeFileSync(file('b.tar.zst.001'), second)
    const restored = await run(...way)
    expect(restored.exit, restored.stderr).toBe(0)
    expect(await Array.fromAsync(b.client.repositories())).toEqual(['one', 'tools/two'])
    const checked = await run('archive', 'verify', 'archive:b.tar', '--json')
    expect(JSON.parse(checked.stdout)).toMatchObject({ manifests: 7, elsewhere: 0 })
    expect((await run('archive', 'unpack', 'archive:b.tar')).exit).toBe(0)
    expect(readFileSync(file('b.tar')).equals(whole)).toBe(true)
  })

  test('takes nothing but a whole archive, and a size', async () => {
    writeFileSync(file('b.tar'), 'x'.repeat(1024))
    const code = async (...args: string[]) =>
      /\[([A-Z_]+)\]/.exec((await run('archive', 'pack', ...args)).stderr)?.[1]
    expect(await code('archive:b.tar', '--zstd')).toBe('ARCHIVE_INVALID')
    expect(await code('archive:c.tar', '--zstd')).toBe('SOURCE_UNKNOWN')
    expect(await code('layout:b', '--zstd')).toBe('ADDRESS_INVALID')
    expect(await code('archive:b.tar', '--split', '5 apples')).toBe('USAGE_INVALID')
    expect(existsSync(file('b.tar.json'))).toBe(false)
  })
})
