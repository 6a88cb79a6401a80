import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Header, type HeaderData } from 'tar/header'
import { Pax } from 'tar/pax'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ExtractOptions, extract } from '../../src/tarball/extract.ts'

let dir: string
let out: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'extract-'))
  out = join(dir, 'out')
})
afterEach(() => rm(dir, { recursive: true, force: true }))

/** One entry written by hand, so that it can say what no honest writer would. */
function entry(data: HeaderData, body = ''): Buffer {
  const header = new Header({
    mode: 0o644,
    type: 'File',
    mtime: new Date(0),
    ...data,
    size: data.size ?? Buffer.byteLength(body),
  })
  header.encode()
  const bytes = Buffer.from(body)
  return Buffer.concat([
    header.block ?? Buffer.alloc(0),
    bytes,
    Buffer.alloc((512 - (bytes.byteLength % 512)) % 512),
  ])
}
const end = Buffer.alloc(1024)
function archive(...entries: Buffer[]): Buffer {
  return Buffer.concat([...entries, end])
}
async function* chunks(bytes: Buffer, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}
function unpack(bytes: Buffer, options: Partial<ExtractOptions> = {}) {
  return extract(chunks(bytes), out, { name: 'test.tar', ...options })
}

test('files, folders, links and hard links come out, plain and compressed', async () => {
  const tar = archive(
    entry({ path: './', type: 'Directory' }),
    entry({ path: './bin/', type: 'Directory', mode: 0o777 }),
    entry({ path: './bin/run', mode: 0o4755 }, 'run'),
    entry({ path: 'a/b/c', mode: 0o600 }, 'c'),
    entry({ path: 'link', type: 'SymbolicLink', linkpath: 'a/b/c' }),
    entry({ path: 'hard', type: 'Link', linkpath: 'a/b/c' }),
  )
  expect(await unpack(gzipSync(tar))).toEqual({ files: 4, bytes: 5 })
  expect(await readFile(join(out, 'link'), 'utf8')).toBe('c')
  expect(await readFile(join(out, 'hard'), 'utf8')).toBe('c')
  expect((await lstat(join(out, 'bin/run'))).mode & 0o7100).toBe(0o100)
  await unpack(tar, { replace: true })
  expect(await readFile(join(out, 'bin/run'), 'utf8')).toBe('run')
})

test('pax and GNU long names are understood', async () => {
  const long = `${'x'.repeat(120)}/${'y'.repeat(120)}`
  const pax = new Pax({ path: long }).encode()
  const gnu = `${'g'.repeat(150)}\0`
  await unpack(
    archive(
      pax,
      entry({ path: 'short' }, '1'),
      entry({ path: '././@LongLink', type: 'NextFileHasLongPath' }, gnu),
      entry({ path: 'cut' }, '2'),
    ),
  )
  expect(await readFile(join(out, long), 'utf8')).toBe('1')
  expect(await readFile(join(out, 'g'.repeat(150)), 'utf8')).toBe('2')
})

const climb = { path: 'x', type: 'SymbolicLink', linkpath: '..' } as const
test.each<[string, Buffer[]]>([
  ['a path that climbs out', [entry({ path: '../evil' }, 'x')]],
  ['a path that climbs out further down', [entry({ path: 'a/../../evil' }, 'x')]],
  ['an absolute path', [entry({ path: '/evil' }, 'x')]],
  ['a Windows drive', [entry({ path: 'C:/evil' }, 'x')]],
  ['a backslash', [entry({ path: '..\\evil' }, 'x')]],
  ['a link that leads out', [entry(climb)]],
  ['a write through a link', [entry({ ...climb, linkpath: 'y' }), entry({ path: 'x/evil' }, 'x')]],
  ['a link over a folder', [entry({ path: 'x/y' }, '1'), entry({ ...climb, linkpath: 'z' })]],
  ['an absolute link', [entry({ ...climb, linkpath: '/etc' })]],
  [
    'a link through a later link',
    [
      entry({ path: 'x', type: 'SymbolicLink', linkpath: 'a/b/../y' }),
      entry({ path: 'a/b', type: 'SymbolicLink', linkpath: '..' }),
    ],
  ],
  ['a hard link to something outside', [entry({ path: 'x', type: 'Link', linkpath: '/etc/passwd' })]],
  [
    'a hard link to a link',
    [entry({ ...climb, linkpath: 'y' }), entry({ path: 'h', type: 'Link', linkpath: 'x' })],
  ],
  ['a character device', [entry({ path: 'x', type: 'CharacterDevice' })]],
  ['a pipe', [entry({ path: 'x', type: 'FIFO' })]],
  ['a path twice', [entry({ path: 'x' }, '1'), entry({ path: 'x' }, '2')]],
  ['a file under a file', [entry({ path: 'x' }, '1'), entry({ path: 'x/y' }, '2')]],
])('%s is refused and nothing is left', async (_name, entries) => {
  await expect(unpack(archive(entry({ path: 'honest' }, 'x'), ...entries))).rejects.toMatchObject({
    code: 'ARCHIVE_UNSAFE',
    exit: 2,
  })
  expect(await readdir(dir)).toEqual([])
})

test.each<[string, () => Buffer]>([
  ['that ends in a body', () => archive(entry({ path: 'x' }, 'y'.repeat(2000))).subarray(0, 1500)],
  ['without an end', () => entry({ path: 'x' }, 'y')],
  [
    'with a wrong checksum',
    () => {
      const bytes = archive(entry({ path: 'x' }, 'y'))
      bytes[0] = 0x41
      return bytes
    },
  ],
  ['of cut gzip', () => gzipSync(archive(entry({ path: 'x' }, 'y'.repeat(5000)))).subarray(0, 60)],
  ['of noise', () => Buffer.alloc(4096, 'noise')],
  ['of nothing', () => Buffer.alloc(0)],
])('an archive %s is damaged and nothing is left', async (_name, make) => {
  await expect(unpack(make())).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' })
  expect(await readdir(dir)).toEqual([])
})

test('a bomb stops at the ratio long before it is unpacked', async () => {
  const big = 64 * 1024 * 1024
  const bomb = gzipSync(archive(Buffer.concat([entry({ path: 'zeros', size: big }), Buffer.alloc(big)])))
  expect(bomb.byteLength).toBeLessThan(100_000)
  await expect(unpack(bomb)).rejects.toMatchObject({
    code: 'ARCHIVE_TOO_LARGE',
    message: expect.stringContaining('200 times'),
  })
  expect(await readdir(dir)).toEqual([])
})

test('bytes and entries are limited', async () => {
  const tar = archive(entry({ path: 'a' }, 'x'.repeat(3000)), entry({ path: 'b' }, 'y'))
  await expect(unpack(tar, { limits: { bytes: 2000 } })).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' })
  await expect(unpack(tar, { limits: { files: 1 } })).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' })
})

test('hard links cannot multiply bytes beyond the limit', async () => {
  const links = Array.from({ length: 9 }, (_, index) =>
    entry({ path: `h${index}`, type: 'Link', linkpath: 'a' }),
  )
  const tar = archive(entry({ path: 'a' }, 'x'.repeat(4000)), ...links)
  await expect(unpack(tar, { limits: { bytes: 20_000 } })).rejects.toMatchObject({
    code: 'ARCHIVE_TOO_LARGE',
  })
})

test('a filled folder is kept unless replacing is allowed, and survives a damaged replacement', async () => {
  await mkdir(out)
  await writeFile(join(out, 'mine'), 'old')
  const tar = archive(entry({ path: 'new' }, '1'))
  await expect(unpack(tar)).rejects.toMatchObject({ code: 'FOLDER_NOT_EMPTY', exit: 3 })
  await expect(unpack(tar.subarray(0, 600), { replace: true })).rejects.toMatchObject({
    code: 'ARCHIVE_DAMAGED',
  })
  expect(await readdir(out)).toEqual(['mine'])
  await unpack(tar, { replace: true })
  expect(await readdir(out)).toEqual(['new'])
  expect(await readdir(dir)).toEqual(['out'])
})

test('a destination that is a link is replaced itself, not what it points at', async () => {
  await mkdir(join(dir, 'elsewhere'))
  await writeFile(join(dir, 'elsewhere/kept'), '')
  await symlink('elsewhere', out)
  await unpack(archive(entry({ path: 'new' }, '1')), { replace: true })
  await expect(readlink(out)).rejects.toThrow()
  expect(await readdir(join(dir, 'elsewhere'))).toEqual(['kept'])
})

test('an aborted extraction leaves nothing', async () => {
  const abort = new AbortController()
  abort.abort(new Error('stop'))
  await expect(unpack(archive(entry({ path: 'x' }, '1')), { signal: abort.signal })).rejects.toThrow('stop')
  expect(await readdir(dir)).toEqual([])
})

test('the source is read to its end and let go, so that it can check itself', async () => {
  let state = 'open'
  async function* source() {
    try {
      yield* chunks(Buffer.concat([archive(entry({ path: 'x' }, '1')), Buffer.alloc(10_240)]))
      state = 'ended'
    } finally {
      if (state === 'open') state = 'left'
    }
  }
  await extract(source(), out, { name: 'x' })
  expect(state).toBe('ended')
})
