import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

/** How one run of a program went. */
export interface Run {
  /** From before the process was started until it had ended. */
  readonly milliseconds: number
  /** Most bytes of memory the process held at once; 0 where the system does not tell. */
  readonly peak: number
  readonly stdout: string
}

export interface MeasureOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Milliseconds between two looks at the memory. The system's own high-water mark is read: peaks stay. */
  readonly watch?: number
}

/** Runs a program to its end. Throws with its own words when it fails. */
export async function measure(
  program: string,
  args: readonly string[],
  { cwd, env, watch }: MeasureOptions = {},
): Promise<Run> {
  const start = performance.now()
  const child = spawn(program, [...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let peak = 0
  const look = async () => {
    peak = Math.max(peak, (await highWaterMark(child.pid)) ?? 0)
  }
  const timer = watch === undefined ? undefined : setInterval(look, watch)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (status, signal) => resolve(status ?? signal))
    })
    const milliseconds = performance.now() - start
    if (code !== 0)
      throw new Error(`${program} ${args.join(' ').slice(0, 300)} ended with ${code}: ${stderr}`)
    return { milliseconds, peak, stdout }
  } finally {
    clearInterval(timer)
  }
}

async function highWaterMark(pid: number | undefined): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

export interface Spread {
  readonly min: number
  readonly median: number
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
  const next = sorted[Math.ceil((sorted.length - 1) / 2)] ?? Number.NaN
  return { min: sorted[0] ?? Number.NaN, median: (middle + next) / 2 }
}
