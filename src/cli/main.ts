import type { Terminal } from './terminal.ts'

/** The oldest Node that has what Slipway uses; its actions run on 24. */
const oldest = 22

/** Ends the process with a command's exit code. */
async function main(): Promise<void> {
  const [major = 0] = process.versions.node.split('.').map(Number)
  if (major < oldest) {
    process.stderr.write(
      `error[NODE_TOO_OLD]: Slipway needs Node ${oldest} or newer; this is ${process.versions.node}\n  hint: In a checkout, npm ci brings Node 24 along and npx slipway uses it.\n`,
    )
    process.exitCode = 2
    return
  }
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      // The second one is for those who cannot wait.
      if (interrupted.signal.aborted) process.exit(130)
      interrupted.abort(new Error(`by ${signal}`))
    })
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Whoever reads along may stop reading: `slipway list | head`.
      if (error.code !== 'EPIPE') throw error
    })
  const terminal: Terminal = {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    environment: process.env,
    cwd: process.cwd(),
    signal: interrupted.signal,
  }
  const { runProgram } = await import('./program.ts')
  process.exitCode = await runProgram(process.argv.slice(2), terminal)
}

await main()
