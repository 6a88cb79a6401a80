import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('the lock of the example is what its manifests require', async () => {
  const command = [
    'src/cli/main.ts',
    'deps',
    'resolve',
    '--frozen',
    '--json',
    '-C',
    'examples/provisioning-extensions',
  ]
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: root })
  const { lock, waves } = JSON.parse(stdout)
  expect(lock.packages).toHaveLength(14)
  expect(waves.flat()).toHaveLength(14)
}, 60_000)
