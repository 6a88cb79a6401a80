import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { peer, type RunningRegistry, startRegistry } from '../peers/registries.ts'
import { fenced, root } from './documents.ts'

const execute = promisify(execFile)
const examples = 'examples/provisioning-extensions'

/** The lines of the README's section "Try it", but for those that install or test Slipway itself. */
async function lines(): Promise<string[]> {
  const text = await readFile(join(root, 'README.md'), 'utf8')
  const section = text.split(/^## /m).find((one) => one.startsWith('Try it')) ?? ''
  return fenced(section)
    .flatMap((one) => one.code.trimEnd().split('\n'))
    .map((line) => line.replace(/^npm ci && /, ''))
    .filter((line) => line !== 'npm cit')
}

describe('the README, line by line', () => {
  let folder: string
  let registry: RunningRegistry

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-readme-'))
    await cp(join(root, examples), join(folder, examples), {
      recursive: true,
      filter: (path) => !path.endsWith('.slipway'),
    })
    registry = await startRegistry('distribution2')
  })

  afterAll(async () => {
    await registry?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('does what it says, and every client reads the same bytes', async () => {
    const all = await lines()
    expect(all.length).toBeGreaterThanOrEqual(8)
    const programs = [peer('oras'), peer('crane'), peer('skopeo'), process.execPath].map(dirname)
    const env = { ...process.env, HOME: folder, PATH: [...programs, process.env.PATH].join(delimiter) }
    const told: string[] = []
    for (const line of all) {
      const command = line
        .replace('npx slipway', `node ${join(root, 'src/cli/main.ts')}`)
        .replaceAll('localhost:5000', registry.url)
      const { stdout } = await execute('/bin/sh', ['-ec', command], { cwd: folder, env })
      if (/^(crane manifest|skopeo inspect --raw)/.test(line)) told.push(stdout.trimEnd())
    }
    expect(told.length).toBe(3)
    expect(new Set(told).size).toBe(1)
    expect(await readdir(folder)).toEqual(expect.arrayContaining(['kubernetes', 'kubernetes-1.28.0.tar.gz']))
    expect(await readdir(join(folder, 'kubernetes'))).toEqual(
      expect.arrayContaining(['manifest.yaml', 'oci-manifest.json', 'scripts']),
    )
  })
})
