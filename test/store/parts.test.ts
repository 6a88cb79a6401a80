import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { packArchive, unpackArchive } from '../../src/store/parts.ts'
import { temporaryFolder } from './folder.ts'

/** A file that compresses to about a half. */
async function archive(size: number) {
  const made = await temporaryFolder()
  onTestFinished(() => made[Symbol.asyncDispose]())
  const path = join(made.path, 'bundle.tar')
  const bytes = Buffer.concat([randomBytes(size / 2), Buffer.alloc(size / 2)])
  writeFileSync(path, bytes)
  return { dir: made.path, path, bytes, to: join(made.path, 'again.tar') }
}

describe('an archive in parts', () => {
  for (const [zstd, split, size, parts] of [
    [false, 100_000, 1_000_000, 10],
    [false, 300_000, 1_000_000, 4],
    [true, 300_000, 1_000_000, 2],
    [true, undefined, 3_000_000, 1],
    [false, 2_000_000, 1_000_000, 1],
    [false, 100, 0, 1],
    [true, 100, 0, 1],
  ] as const)
    test(`${size} bytes, split ${split}, zstd ${zstd}: come back as they were`, async () => {
      const { dir, path, bytes, to } = await archive(size)
      const list = await packArchive(path, { zstd, ...(split === undefined ? {} : { split }) })
      expect(list.parts).toHaveLength(parts)
      expect(list).toMatchObject({ archive: 'bundle.tar', size, digest: digestOf(bytes) })
      for (const one of list.parts) {
        const content = readFileSync(join(dir, one.name))
        expect([content.byteLength, digestOf(content)]).toEqual([one.size, one.digest])
        if (split !== undefined) expect(one.size).toBeLessThanOrEqual(split)
      }
      const first = `bundle.tar${zstd ? '.zst' : ''}${split === undefined ? '' : '.000'}`
      expect(list.parts[0]?.name).toBe(first)
      rmSync(path)
      await unpackArchive(path, to)
      expect(readFileSync(to).equals(bytes)).toBe(true)
    })

  test('are refused with the name of the one that is missing, cut off, changed or swapped', async () => {
    for (const zstd of [false, true]) {
      const { dir, path, to } = await archive(1_000_000)
      const { parts } = await packArchive(path, { zstd, split: 100_000 })
      const [one = '', two = ''] = parts.slice(1).map(({ name }) => join(dir, name))
      const [first, second] = [readFileSync(one), readFileSync(two)]
      const code = async () =>
        await unpackArchive(path, to).then(
          () => 'none',
          (error: { code: string; message: string }) => `${error.code} ${error.message}`,
        )
      renameSync(one, `${one}.away`)
      expect(await code()).toBe(`PART_MISSING ${one} is missing`)
      writeFileSync(one, first.subarray(1))
      expect(await code()).toContain(`PART_DAMAGED ${one}: it has 99999 bytes`)
      writeFileSync(one, second)
      writeFileSync(two, first)
      expect(await code()).toContain(`PART_DAMAGED ${one}: it holds what belongs in ${parts[2]?.name}`)
      writeFileSync(two, second)
      const changed = Buffer.from(first)
      changed[50_000] = (changed[50_000] ?? 0) ^ 1
      writeFileSync(one, changed)
      expect(await code()).toMatch(/^PART_DAMAGED/)
      writeFileSync(one, first)
      expect(readdirSync(dir)).not.toContain('again.tar')
      expect(await code()).toBe('none')
    }
  })

  test('are not believed when the list was changed', async () => {
    const { dir, path, to } = await archive(10_000)
    await packArchive(path, { zstd: true })
    const file = join(dir, 'bundle.tar.json')
    const list = JSON.parse(readFileSync(file, 'utf8'))
    const [part] = list.parts
    const refused = async (change: object | string) => {
      writeFileSync(file, typeof change === 'string' ? change : JSON.stringify({ ...list, ...change }))
      return await unpackArchive(path, to).then(
        () => 'none',
        (error: { code: string }) => error.code,
      )
    }
    expect(await refused({})).toBe('none')
    rmSync(to)
    for (const change of [
      '{',
      '[]',
      { version: 2 },
      { archive: 'other.tar' },
      { size: -1 },
      { digest: 'sha256:1' },
      { compression: 'gzip' },
      { parts: [] },
      { parts: [{ ...part, name: '../bundle.tar.zst' }] },
      { parts: [{ ...part, digest: 'x' }] },
      { parts: [part, part] },
      { compression: undefined, parts: [{ ...part, name: 'bundle.tar' }] },
    ])
      expect(await refused(change), JSON.stringify(change)).toBe('PARTS_INVALID')
    // Bytes that are no zstd, more than were announced, and another archive than the one that is described.
    expect(await refused({ size: 9_999 })).toBe('PART_DAMAGED')
    expect(await refused({ digest: `sha256:${'0'.repeat(64)}` })).toBe('PART_DAMAGED')
    const noise = Buffer.from('no zstd at all')
    writeFileSync(join(dir, 'bundle.tar.zst'), noise)
    const parts = [{ ...part, size: noise.byteLength, digest: digestOf(noise) }]
    expect(await refused({ parts })).toBe('PART_DAMAGED')
    expect(readdirSync(dir)).not.toContain('again.tar')
  })

  test('are never the archive itself', async () => {
    const { path, bytes } = await archive(1000)
    await expect(packArchive(path, { zstd: false })).rejects.toMatchObject({ code: 'PARTS_NONE' })
    expect(readFileSync(path).equals(bytes)).toBe(true)
  })

  test('leave nothing behind, no older list either, when they cannot all be written', async () => {
    const { dir, path } = await archive(1000)
    await packArchive(path, { zstd: false, split: 900 })
    rmSync(join(dir, 'bundle.tar.001'))
    mkdirSync(join(dir, 'bundle.tar.002/taken'), { recursive: true })
    await expect(packArchive(path, { zstd: false, split: 100 })).rejects.toMatchObject({
      code: 'ARCHIVE_NOT_WRITABLE',
    })
    expect(readdirSync(dir).sort()).toEqual(['bundle.tar', 'bundle.tar.002'])
  })

  test('are not more than a list can hold', async () => {
    const { path } = await archive(10_001 * 2)
    await expect(packArchive(path, { zstd: false, split: 1 })).rejects.toMatchObject({
      code: 'PARTS_TOO_MANY',
    })
  })
})
