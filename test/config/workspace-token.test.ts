import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readToken } from '../../src/config/workspace-token.ts'

const scratch = mkdtempSync(join(tmpdir(), 'slipway-token-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const file = (content: string | Buffer) => {
  const path = join(scratch, 'token')
  writeFileSync(path, content)
  return path
}

describe('a token file', () => {
  it('is the password of user _token, without the line end that echo adds', async () => {
    expect(await readToken(file('  gh_s3cret==\r\n'))).toEqual({
      username: '_token',
      password: 'gh_s3cret==',
    })
    const long = 'x'.repeat(65_536)
    expect((await readToken(file(long))).password).toBe(long)
  })

  it.each([
    ['empty', ' \n', 'is empty'],
    ['too long', 's3cret'.repeat(20_000), 'has more than 65536 bytes'],
    ['of several lines', 's3cret\r\nX-Header: s3cret', 'holds more than one word of ASCII'],
    ['of other bytes', Buffer.from([0x73, 0xff, 0x00]), 'holds more than one word of ASCII'],
  ])('that is %s is refused by its path, never its content', async (_, content, expected) => {
    const path = file(content)
    const error = await readToken(path).catch((one: unknown) => one)
    expect(error).toMatchObject({
      code: 'WORKSPACE_TOKEN_UNREADABLE',
      exit: 2,
      message: `The token file ${path} ${expected}`,
    })
    expect(JSON.stringify(error)).not.toContain('s3cret')
  })

  it('that is missing or a folder is refused', async () => {
    const missing = join(scratch, 'missing')
    await expect(readToken(missing)).rejects.toThrow(`The token file ${missing} cannot be read: ENOENT`)
    mkdirSync(join(scratch, 'folder'))
    await expect(readToken(join(scratch, 'folder'))).rejects.toThrow('cannot be read: it is not a file')
  })
})
