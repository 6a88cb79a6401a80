/**
 * Preloaded with `--import`: adds every module file that is loaded to the list `BENCH_LOADED` names, until
 * the program writes its first line.
 */
import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const list = process.env.BENCH_LOADED ?? '/dev/null'
let silent = true
registerHooks({
  load(url, context, next) {
    if (silent && url.startsWith('file:')) appendFileSync(list, `${url}\n`)
    return next(url, context)
  },
})
for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
  stream.write = (...args: unknown[]) => {
    silent = false
    return write(...args)
  }
}
