import { expect, test } from 'vitest'
import { parseTag } from '../../src/oci/reference.ts'
import { artifact } from '../contract/artifacts.ts'
import { startFakeRegistry } from '../fake/registry.ts'
import { connect } from '../registry/client.ts'
import { bundle, crossing, install, installed, locked, publish } from './crossing.ts'

test('an archive crosses a gap: loaded into an empty registry, solved and installed with the source gone', async () => {
  const gap = crossing()
  const kubernetes = 'provisioning-extensions/kubernetes'
  const version = parseTag('1.28.0')
  const outside = await startFakeRegistry()
  await publish(gap, outside.host)
  const before = connect(outside)
  const root = await before.repository(kubernetes).resolve(version)
  const subject = root ?? expect.fail('kubernetes was not published')
  const signature = await artifact(before.repository(kubernetes), 'signature', { subject })
  await bundle(gap, outside.host)
  await before[Symbol.asyncDispose]()
  await outside[Symbol.asyncDispose]()
  await using inside = await startFakeRegistry()
  expect(await install(gap, inside.host)).toEqual(locked)
  expect(installed(gap)).toEqual(locked.map((one) => one.split(' ')[0]).filter((one) => one !== 'core'))
  // What was installed came from there, and from no cache.
  expect(inside.log(/^GET .*\/blobs\//).length).toBeGreaterThanOrEqual(10)
  await using after = connect(inside)
  const store = after.repository(kubernetes)
  expect((await store.resolve(version))?.digest).toBe(subject.digest)
  const about = await Array.fromAsync(store.referrers(subject))
  expect(about.map((one) => one.digest)).toEqual([signature.descriptor.digest])
  // What nobody needs stayed behind.
  expect(await Array.fromAsync(after.repositories())).not.toContain('provisioning-extensions/aws')
}, 60_000)
