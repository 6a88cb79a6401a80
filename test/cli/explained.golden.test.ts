import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { extension, project, write } from '../tasks/solving.ts'
import { slipway } from './terminal.ts'

const document = readFileSync(new URL('../../docs/dependencies.md', import.meta.url), 'utf8')

/** What stands below a comment of this name, in a block of its own. */
function shown(name: string): string {
  const [, block] = new RegExp(`<!-- ${name} -->\n\n\`\`\`text\n([\\s\\S]*?)\`\`\``).exec(document) ?? []
  if (block === undefined) throw new Error(`docs/dependencies.md shows no ${name}`)
  return block
}

/** Two branches that need different lines of containerd, and a way out that the core is too old for. */
async function conflicting() {
  const one = project()
  write(one.directory, extension('web', '2.1.0', { kubernetes: '^1.28.0', cilium: '^1.16.0' }))
  await one.stock({
    'kubernetes 1.28.0': { containerd: '>=1.7.0 <2.0.0' },
    'kubernetes 1.28.1': { containerd: '>=1.7.0 <2.0.0' },
    'kubernetes 1.29.0': {
      needs: { containerd: '>=1.7.0' },
      more: { min_provisioning_version: '4.0.0' },
    },
    'cilium 1.16.0': { 'cni-plugins': '^1.5.0' },
    'cilium 1.16.3': { 'cni-plugins': '^1.5.0' },
    'cni-plugins 1.5.0': { containerd: '>=2.0.0' },
    'cni-plugins 1.5.1': { containerd: '>=2.0.0' },
    'containerd 1.7.23': {},
    'containerd 2.0.0': {},
  })
  return one
}

describe('an explanation', () => {
  it('is the one that the documentation shows, to the letter', async () => {
    const one = await conflicting()
    const ran = await slipway(['deps', 'resolve', '--core-version', '3.5.0'], { cwd: one.directory })
    expect(ran.exit).toBe(1)
    expect(ran.stdout).toBe('')
    expect(ran.stderr).toBe(shown('an unsatisfiable example'))
    expect(one.lock()).toBeUndefined()
  })

  it('is right: without any one of its facts there is a solution', async () => {
    const one = await conflicting()
    const solved = async (...args: string[]) =>
      (await slipway(['deps', 'resolve', '--dry-run', ...args], { cwd: one.directory })).exit
    expect(await solved('--core-version', '4.0.0')).toBe(0)
    expect(await solved('--core-version', '3.5.0', '--override', 'containerd=^1.7.0')).toBe(0)
    write(one.directory, extension('web', '2.1.0', { kubernetes: '^1.28.0' }))
    expect(await solved('--core-version', '3.5.0')).toBe(0)
  })

  it('of a package that does not exist offers the nearest name', async () => {
    const one = await conflicting()
    write(one.directory, extension('web', '2.1.0', { kubernets: '^1.28.0' }))
    const ran = await slipway(['deps', 'resolve', '--core-version', '4.0.0', '--json'], {
      cwd: one.directory,
    })
    expect(JSON.parse(ran.stdout).error).toMatchObject({
      code: 'UNSATISFIABLE',
      exit: 1,
      message: expect.stringContaining('kubernets'),
      hint: 'Did you mean kubernetes?',
    })
  })
})
