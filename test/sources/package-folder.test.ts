import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageFolder } from '../../src/sources/package-folder.ts'
import { extensionId, kclId } from '../../src/version/package-id.ts'
import { parseVersion } from '../../src/version/version.ts'
import { write } from '../git/fixture.ts'
import { temporary } from './folder.ts'

const id = extensionId('etcd')
const manifest = (more = '') =>
  `name: etcd\ntype: taskserv\nversion: 3.5.16\ndescription: x\nlicense: MIT\n${more}`

/** A folder beside others, with what makes it an extension. */
function folder(files: Readonly<Record<string, string>> = {}, name = 'etcd'): string {
  const path = join(temporary(), name)
  mkdirSync(path)
  write(path, {
    'manifest.yaml': manifest(),
    'scripts/install.nu': 'print x\n',
    'kcl/kcl.mod': '[package]\nname = "etcd"\nversion = "3.5.16"\n',
    ...files,
  })
  return path
}

describe('one folder as a source', () => {
  it('has one version of one package, with all that it needs', async () => {
    const path = folder({
      'manifest.yaml': manifest(
        'dependencies:\n  runc: ^1.1.0\nplatforms: [linux/amd64]\nmin_provisioning_version: 3.5.0\n',
      ),
      'kcl/kcl.mod': '[package]\nname = "etcd"\nversion = "3.5.16"\n\n[dependencies]\nnetwork = "0.2.0"\n',
    })
    const source = packageFolder(path, 'taskserv', 'etcd')
    expect(await source.versions(id)).toEqual([parseVersion('3.5.16')])
    expect(await source.candidate(id, parseVersion('3.5.16'))).toMatchObject({
      id,
      kind: 'taskserv',
      source: `path:${path}`,
      platforms: ['linux/amd64'],
      requires: [
        { id: 'runc', text: '^1.1.0' },
        { id: 'core', text: '>=3.5.0' },
        { id: kclId('network'), text: '>=0.2.0' },
      ],
    })
    expect(await source.candidate(id, parseVersion('3.5.17'))).toBeUndefined()
    expect(await source.versions(extensionId('redis'))).toEqual([])
    expect(await source.candidate(extensionId('redis'), parseVersion('3.5.16'))).toBeUndefined()
    expect(await source.names?.()).toEqual([id])
    expect((await source.package()).file).toBe(join(path, 'manifest.yaml'))
  })

  it('may lack what only a release needs', async () => {
    const source = packageFolder(folder({ 'scripts/install.nu': '' }), 'taskserv', 'etcd')
    expect(await source.versions(id)).toHaveLength(1)
  })

  it('is read once', async () => {
    const path = folder()
    const source = packageFolder(path, 'taskserv', 'etcd')
    await source.versions(id)
    writeFileSync(join(path, 'manifest.yaml'), 'broken')
    expect(await source.candidate(id, parseVersion('3.5.16'))).toBeDefined()
  })

  it.each([
    [
      'another name',
      { 'manifest.yaml': manifest().replace('name: etcd', 'name: redis') },
      'MANIFEST_NAME_MISMATCH',
    ],
    [
      'another kind',
      { 'manifest.yaml': manifest().replace('taskserv', 'provider') },
      'MANIFEST_TYPE_MISMATCH',
    ],
    ['no version', { 'manifest.yaml': manifest().replace(/version.*\n/, '') }, 'MANIFEST_VALUE_INVALID'],
    [
      'a range that is none',
      { 'manifest.yaml': manifest('dependencies: { runc: newest }\n') },
      'MANIFEST_VALUE_INVALID',
    ],
  ])('that says %s is refused at its line', async (_, files, code) => {
    const source = packageFolder(folder(files), 'taskserv', 'etcd')
    const error = await source.versions(id).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'FINDINGS', exit: 2 })
    expect(error.findings).toMatchObject([{ code, level: 'error', place: { file: 'etcd/manifest.yaml' } }])
  })

  it('that is not there is refused', async () => {
    const source = packageFolder(join(temporary(), 'etcd'), 'taskserv', 'etcd')
    await expect(source.package()).rejects.toMatchObject({ code: 'FOLDER_MISSING', exit: 2 })
  })
})
