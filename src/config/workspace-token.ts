import { open, stat } from 'node:fs/promises'
import { badInput, messageOf } from '../core/error.ts'

/** Bytes; tokens of registries have a few thousand at most. */
const longest = 64 * 1024

/**
 * The credential that an `auth_token_path` names: the file's text as the password of user `_token`. Read
 * only when a registry wants to know who asks. No error holds anything of the file.
 * @param path absolute
 * @throws WORKSPACE_TOKEN_UNREADABLE
 */
export async function readToken(path: string): Promise<{ username: '_token'; password: string }> {
  const password = (await readStart(path)).trim()
  if (password === '') throw unreadable(path, 'is empty')
  if (password.length > longest) throw unreadable(path, `has more than ${longest} bytes`)
  // A line end inside would end a header; it is some other file.
  if (/[^\x21-\x7e]/.test(password)) throw unreadable(path, 'holds more than one word of ASCII')
  return { username: '_token', password }
}

async function readStart(path: string): Promise<string> {
  try {
    // Opening a pipe would wait for who writes into it.
    if (!(await stat(path)).isFile()) throw new Error('it is not a file')
    await using file = await open(path)
    const { bytesRead, buffer } = await file.read(Buffer.alloc(longest + 1), 0, longest + 1, 0)
    return buffer.toString('latin1', 0, bytesRead)
  } catch (cause) {
    throw unreadable(path, `cannot be read: ${messageOf(cause)}`, cause)
  }
}

function unreadable(path: string, what: string, cause?: unknown) {
  return badInput('WORKSPACE_TOKEN_UNREADABLE', `The token file ${path} ${what}`, {
    hint: 'Put the token of the registry there, alone, or correct auth_token_path.',
    ...(cause === undefined ? {} : { cause }),
  })
}
