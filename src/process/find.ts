import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import type { Environment } from './environment.ts'

/**
 * The absolute path of a program as a shell would find it; undefined when there is none. Relative parts of
 * PATH are skipped: a checkout must not decide which program runs.
 */
export async function findProgram(name: string, environment: Environment): Promise<string | undefined> {
  if (/[/\\]/.test(name)) return isAbsolute(name) && (await isProgram(name)) ? name : undefined
  const endings = process.platform === 'win32' ? (environment.PATHEXT ?? '.EXE;.CMD').split(';') : ['']
  for (const folder of (environment.PATH ?? '').split(delimiter)) {
    if (!isAbsolute(folder)) continue
    for (const ending of endings) {
      const file = join(folder, name + ending)
      if (await isProgram(file)) return file
    }
  }
  return undefined
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}
