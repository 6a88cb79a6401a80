import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { checkFolder } from '../../src/install/places.ts'

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-places-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe('a folder below a root', () => {
  it('is made once where several installs begin at the same moment', async () => {
    for (let round = 0; round < 20; round++) {
      const root = temporary()
      await Promise.all(Array.from({ length: 8 }, () => checkFolder(root, '.slipway/installed/kcl', true)))
      expect(statSync(join(root, '.slipway/installed/kcl')).isDirectory()).toBe(true)
    }
  })

  it('is not made where nobody asks for it', async () => {
    const root = temporary()
    await checkFolder(root, '.slipway/installed', false)
    expect(() => statSync(join(root, '.slipway'))).toThrow('ENOENT')
  })

  it('never leads through a file or a link', async () => {
    const root = temporary()
    mkdirSync(join(root, 'elsewhere'))
    symlinkSync('elsewhere', join(root, 'link'))
    writeFileSync(join(root, 'file'), '')
    for (const path of ['link/kcl', 'file/kcl'])
      for (const make of [true, false])
        await expect(checkFolder(root, path, make)).rejects.toMatchObject({ code: 'INSTALL_UNSAFE' })
  })
})
