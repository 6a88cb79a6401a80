import { expect, it } from 'vitest'
import { bundle, crossing, install, installed, locked, publish } from '../cli/crossing.ts'
import { peer, run, startRegistry } from './registries.ts'

it('an archive crosses from one distribution to an empty one, and is installed from with the first stopped', async () => {
  const gap = crossing()
  const signed = 'provisioning-extensions/kubernetes:1.28.0'
  const cosign = async (...args: string[]) => {
    const env = { DOCKER_CONFIG: gap.folder, COSIGN_PASSWORD: '' }
    const { code, stderr } = await run(peer('cosign'), args, { env, cwd: gap.folder })
    expect(code, `cosign ${args.join(' ')}: ${stderr}`).toBe(0)
  }
  await cosign('generate-key-pair')
  // Both forms of signatures: a referrer, and a tag made of the digest.
  const forms = [true, false].map((bundled) => `--new-bundle-format=${bundled}`)
  {
    await using outside = await startRegistry('distribution2')
    await publish(gap, outside.url)
    const offline = ['--tlog-upload=false', '--use-signing-config=false']
    for (const form of forms)
      await cosign('sign', '--yes', '--key', 'cosign.key', ...offline, form, `${outside.url}/${signed}`)
    await bundle(gap, outside.url)
  }
  await using inside = await startRegistry('distribution2')
  expect(await install(gap, inside.url)).toEqual(locked)
  expect(installed(gap)).toEqual(locked.map((one) => one.split(' ')[0]).filter((one) => one !== 'core'))
  for (const form of forms)
    await cosign(
      'verify',
      '--key',
      'cosign.pub',
      '--insecure-ignore-tlog=true',
      form,
      `${inside.url}/${signed}`,
    )
}, 120_000)
