import { expect, test } from 'vitest'
import { packageFolder } from '../../src/sources/package-folder.ts'
import { extensionId, kclId } from '../../src/version/package-id.ts'
import { parseVersion } from '../../src/version/version.ts'
import { write } from '../git/fixture.ts'
import { rejection } from '../registry/client.ts'
import { temporary } from './folder.ts'

const manifest = 'name: redis\ntype: taskserv\nversion: 1.0.0\ndependencies: {etcd: ^3}\n'
const redis = extensionId('redis')

test('an extension in a folder of any name has one version, and what its manifest and kcl.mod ask for', async () => {
  const path = temporary()
  write(path, { 'manifest.yaml': manifest, 'kcl/kcl.mod': '[dependencies]\nk8s = "1.31.2"\n' })
  const source = packageFolder(path, 'taskserv', 'redis')
  expect((await source.versions(redis)).map((one) => one.version)).toEqual(['1.0.0'])
  expect(await source.candidate(redis, parseVersion('1.0.0'))).toMatchObject({
    id: 'redis',
    kind: 'taskserv',
    source: `path:${path}`,
    requires: [{ id: 'etcd' }, { id: 'kcl:k8s', text: '>=1.31.2' }],
  })
  expect(await source.candidate(redis, parseVersion('1.0.1'))).toBeUndefined()
  expect(await source.versions(kclId('redis'))).toEqual([])
})

test('a folder that holds another extension is refused with the line that says so', async () => {
  const path = temporary()
  write(path, { 'manifest.yaml': manifest })
  expect(await rejection(packageFolder(path, 'cluster', 'redis').versions(redis))).toMatchObject({
    code: 'FINDINGS',
    findings: expect.arrayContaining([expect.objectContaining({ code: 'MANIFEST_TYPE_MISMATCH' })]),
  })
})
