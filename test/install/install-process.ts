/**
 * Installs as a process of its own: `node install-process.ts ROOT VERSION [DIES]`; dies without a word before
 * the change of that number.
 */
import { hasCode, SlipwayError } from '../../src/core/error.ts'
import { silent } from '../../src/core/report.ts'
import { install } from '../../src/install/install.ts'
import { fleet } from './packages.ts'

const [root = '', version = '', dies = '0'] = process.argv.slice(2)
const steps: string[] = []
const lock = `lock of ${version}`
const step = (name: string) => {
  steps.push(name)
  if (steps.length === Number(dies)) process.kill(process.pid, 'SIGKILL')
}
try {
  const result = await install(fleet(version), { root, lock, report: silent, concurrency: 1, step })
  console.log(JSON.stringify({ steps, installed: result.installed.map(({ id }) => id) }))
} catch (error) {
  if (!(error instanceof SlipwayError)) throw error
  console.log(JSON.stringify({ code: error.code, full: hasCode(error, 'DISK_FULL') }))
}
