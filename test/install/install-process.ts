/**
 * Installs as a process of its own: `node install-process.ts ROOT VERSION [DIES]`; dies without a word before
 * the change of that number.
 */
import { silent } from '../../src/core/report.ts'
import { install } from '../../src/install/install.ts'
import { fleet } from './packages.ts'

const [root = '', version = '', dies = '0'] = process.argv.slice(2)
let steps = 0
const result = await install(fleet(version), {
  root,
  lock: `lock of ${version}`,
  report: silent,
  concurrency: 1,
  step: () => {
    if (++steps === Number(dies)) process.kill(process.pid, 'SIGKILL')
  },
})
console.log(JSON.stringify({ steps, ...result }))
