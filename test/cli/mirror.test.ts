import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { parseTag } from '../../src/oci/reference.ts'
import { artifact } from '../contract/artifacts.ts'
import { fill, server, tagsOf } from '../mirroring/mirrors.ts'
import { slipway } from './terminal.ts'

let cwd: string

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-cli-mirror-'))
  cwd = folder
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
})

const run = (...args: string[]) => slipway([...args, '--retries', '0'], { cwd })
const rules = (text: string, name = 'mirror.yaml') => writeFileSync(join(cwd, name), text)

describe('slipway copy', () => {
  test('brings an artifact with its signatures, and over an archive to a registry that cannot see the first', async () => {
    const [a, b] = [await server(), await server()]
    const store = a.client.repository('one')
    const root = await artifact(store, 'root')
    const signature = await artifact(store, 'signature', { subject: root.descriptor })
    const cosign = parseTag(`${root.descriptor.digest.replace(':', '-')}.sig`)
    await store.tag(root, [parseTag('1.0.0')])
    await store.tag(await artifact(store, 'cosign'), [cosign])
    const onSignature = parseTag(`${signature.descriptor.digest.replace(':', '-')}.sig`)
    await store.tag(await artifact(store, 'cosign of the signature'), [onSignature])
    const there = await run('copy', `oci://${a.fake.host}/one:1.0.0`, 'archive:one.tar#one', '--json')
    expect(there.exit, there.stderr).toBe(0)
    expect(JSON.parse(there.stdout)).toMatchObject({
      digest: root.descriptor.digest,
      referrers: 1,
      signatures: [cosign, onSignature],
    })
    a.fake.clearLog()
    const back = await run('copy', 'archive:one.tar#one:1.0.0', `oci://${b.fake.host}/copies/one:stable`)
    expect(back.exit, back.stderr).toBe(0)
    expect(a.fake.requests).toEqual([])
    const copied = b.client.repository('copies/one')
    expect((await copied.resolve(parseTag('stable')))?.digest).toBe(root.descriptor.digest)
    expect(await tagsOf(b.client, 'copies/one')).toEqual([cosign, onSignature, 'stable'].sort())
    const about = await Array.fromAsync(copied.referrers(root.descriptor))
    expect(about.map((one) => one.digest)).toEqual([signature.descriptor.digest])
  })

  test('leaves referrers behind when told to, and writes nothing in a dry run', async () => {
    const [a, b] = [await server(), await server()]
    const store = a.client.repository('one')
    const root = await artifact(store, 'root')
    await artifact(store, 'signature', { subject: root.descriptor })
    await store.tag(root, [parseTag('1.0.0')])
    const way = ['copy', `oci://${a.fake.host}/one:1.0.0`, `oci://${b.fake.host}/one`, '--referrers', 'none']
    const dry = await run(...way, '--dry-run', '--json')
    expect(JSON.parse(dry.stdout).writes.map((one: { kind: string }) => one.kind)).toEqual([
      'blob',
      'blob',
      'manifest',
      'tag',
    ])
    expect(b.fake.log(/^(POST|PUT)/)).toEqual([])
    expect((await run(...way)).exit).toBe(0)
    expect(await Array.fromAsync(b.client.repository('one').referrers(root.descriptor))).toEqual([])
  })

  test('says what does not exist and what cannot be named', async () => {
    const a = await server()
    const gone = await run('copy', `oci://${a.fake.host}/one:1.0.0`, 'layout:here#one', '--json')
    expect(JSON.parse(gone.stdout).error).toMatchObject({ code: 'REFERENCE_UNKNOWN', exit: 2 })
    const named = await run('copy', 'layout:here#one', `layout:there#one@sha256:${'0'.repeat(64)}`, '--json')
    expect(JSON.parse(named.stdout).error).toMatchObject({ code: 'ADDRESS_INVALID', exit: 2 })
  })
})

describe('slipway mirror', () => {
  test('brings, is settled, verifies, and tells a table', async () => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { one: ['1.0.0', '1.1.0'], two: ['1.0.0'] })
    rules(`version: 1\nmirrors:\n  - from: oci://${a.fake.host}\n    to: [oci://${b.fake.host}/copy]\n`)
    const dry = await run('mirror', '--dry-run')
    expect(dry.exit, dry.stderr).toBe(0)
    expect(dry.stdout).toContain('to copy')
    expect(dry.stdout).toMatch(/2 repositories, 3 tags \(3 new\): .* would move/)
    expect(b.fake.log(/^(POST|PUT)/)).toEqual([])
    const missing = await run('mirror', '--verify')
    expect(missing.exit).toBe(1)
    expect(missing.stdout).toContain('error[MIRROR_DIFFERS]')
    const first = await run('mirror')
    expect(first.exit, first.stderr).toBe(0)
    expect(first.stdout).toMatch(/^copied +oci:\S+\/one +oci:\S+\/copy\/one +2 tags \(2 new\)/m)
    const second = JSON.parse((await run('mirror', '--json')).stdout)
    expect(second).toMatchObject({ exit: 0, verified: false, total: { tags: { unchanged: 3, copied: 0 } } })
    expect(second.repositories[0].state).toBe('unchanged')
    const verified = await run('mirror', '--verify')
    expect(verified.exit).toBe(0)
    expect(verified.stdout).toMatch(/^equal /m)
  })

  test('from a file of another name to a layout beside it', async () => {
    const a = await server()
    await fill(a.client, { one: ['1.0.0'] })
    rules(
      `version: 1\nmirrors: [{ from: "oci://${a.fake.host}", to: ["layout:out"], repositories: [one] }]\n`,
      'm.yaml',
    )
    expect((await run('mirror', '-f', 'm.yaml')).exit).toBe(0)
    expect((await run('tags', 'layout:out#one')).stdout).toBe('1.0.0\n')
  })

  test('fails with a code when a repository fails, and still tells of the others', async () => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { bad: ['1.0.0'], good: ['1.0.0'] })
    b.fake.fail({ path: /\/v2\/bad\//, status: 403, times: 100 })
    rules(`version: 1\nmirrors:\n  - from: oci://${a.fake.host}\n    to: [oci://${b.fake.host}]\n`)
    const { exit, stdout } = await run('mirror', '--json')
    expect(exit).toBe(1)
    const states = JSON.parse(stdout).repositories.map((one: { state: string }) => one.state)
    expect(states, stdout).toEqual(['failed', 'copied'])
  })

  test('names what is wrong in the file, with line and column, before anything is opened', async () => {
    rules(
      [
        'version: 1',
        'mirrors:',
        '  - name: a',
        '    from: ghcr.io/acme',
        '    to: [layout:out]',
        '    tags: { semver: "bananas", match: ["/(/"] }',
        '    reffrers: true',
        '    rename: fixed',
        '    repositories: [UPPER]',
        '    platforms: [linux]',
        '',
      ].join('\n'),
    )
    const { exit, stderr } = await run('mirror')
    expect(exit).toBe(2)
    for (const place of ['4:11', '6:21', '6:40', '7:5', '8:13', '9:20', '10:17'])
      expect(stderr).toContain(`mirror.yaml:${place}: error:`)
    expect(stderr).toContain('Did you mean referrers?')
    rules(
      'version: 1\nmirrors:\n  - {name: a, from: "layout:a", to: ["layout:b"]}\n  - {name: a, from: "layout:c", to: ["layout:d"]}\n',
    )
    expect((await run('mirror')).stderr).toContain('mirror.yaml:4:12: error:')
    const none = await run('mirror', '-f', 'gone.yaml', '--json')
    expect(JSON.parse(none.stdout).error).toMatchObject({ code: 'CONFIGURATION_UNREADABLE', exit: 2 })
  })
})
