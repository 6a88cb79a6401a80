import { describe, expect, test } from 'vitest'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { artifact, indexOf } from '../contract/artifacts.ts'
import { rulesOf, run, server, tagsOf } from './mirrors.ts'

const signatureOf = ({ digest }: Descriptor) => parseTag(`${digest.replace(':', '-')}.sig`)
const tag = parseTag('1.0.0')

/** A filled source, an empty target and the rule between them. */
async function between() {
  const [a, b] = [await server(), await server()]
  const rules = rulesOf({ from: `oci://${a.fake.host}`, to: [`oci://${b.fake.host}`] })
  return { source: a.client.repository('one'), target: b, rules }
}

describe('tags of cosign', () => {
  test('come for referrers, for what is in an index of an index, and for signatures, and verifying agrees', async () => {
    const { source, target, rules } = await between()
    const image = await artifact(source, 'image')
    const inner = indexOf([image])
    await source.put(inner)
    const root = indexOf([inner])
    await source.tag(root, [tag])
    const sbom = await artifact(source, 'sbom', { subject: root.descriptor })
    const [onSbom, onImage] = [signatureOf(sbom.descriptor), signatureOf(image.descriptor)]
    const signature = await artifact(source, 'signature of the sbom')
    const onSignature = signatureOf(signature.descriptor)
    await source.tag(signature, [onSbom])
    await source.tag(await artifact(source, 'signature of the image'), [onImage])
    await source.tag(await artifact(source, 'signature of the signature'), [onSignature])
    expect((await run(rules)).exit).toBe(0)
    const brought = ['1.0.0', onSbom, onImage, onSignature].sort()
    expect(await tagsOf(target.client, 'one')).toEqual(brought)
    expect((await run(rules, { verify: true })).exit).toBe(0)
    // One that is added later to a referrer is seen by the next run.
    target.fake.repository('one')?.tags.delete(onSbom)
    expect((await run(rules, { verify: true })).exit).toBe(1)
    await run(rules)
    expect(await tagsOf(target.client, 'one')).toEqual(brought)
  })

  test('a signature of a referrer comes before the tag: where it fails, the tag stays away', async () => {
    const { source, target, rules } = await between()
    const root = await artifact(source, 'root')
    await source.tag(root, [tag])
    const sbom = await artifact(source, 'sbom', { subject: root.descriptor })
    await source.tag(await artifact(source, 'signature'), [signatureOf(sbom.descriptor)])
    target.fake.fail({ method: 'PUT', path: /manifests\/sha256-/, status: 403, times: 100 })
    expect(await run(rules)).toMatchObject({ exit: 1, total: { tags: { copied: 0, failed: 1 } } })
    expect(await tagsOf(target.client, 'one')).toEqual([])
  })

  test.each(['of itself', 'of each other', 'of its own referrer'])(
    'that name each other in a ring come to an end: %s',
    async (ring) => {
      const { source, target, rules } = await between()
      const [one, two] = [await artifact(source, 'one'), await artifact(source, 'two')]
      await source.tag(one, [tag])
      await source.tag(two, [parseTag('2.0.0')])
      if (ring === 'of itself') await source.tag(one, [signatureOf(one.descriptor)])
      else if (ring === 'of each other') {
        await source.tag(two, [signatureOf(one.descriptor)])
        await source.tag(one, [signatureOf(two.descriptor)])
      } else {
        const sbom = await artifact(source, 'sbom', { subject: one.descriptor })
        await source.tag(one, [signatureOf(sbom.descriptor)])
      }
      expect((await run(rules)).exit).toBe(0)
      expect(await tagsOf(target.client, 'one')).toEqual((await Array.fromAsync(source.tags())).sort())
      expect((await run(rules, { verify: true })).exit).toBe(0)
    },
  )
})

test('an index about a manifest that stands in it is compared to the end', async () => {
  const { source, rules } = await between()
  const image = await artifact(source, 'image')
  await source.tag(image, [tag])
  await source.put(indexOf([image], { subject: image.descriptor }))
  await run(rules)
  expect(await run(rules, { verify: true })).toMatchObject({ exit: 0, repositories: [{ referrers: 1 }] })
})
