import { vi } from 'vitest'

/** What a function writes to the log of the step, where the runner reads its commands from. */
export function logOf(work: () => void): string {
  const written: string[] = []
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text))
    return true
  })
  try {
    work()
  } finally {
    spy.mockRestore()
  }
  return written.join('')
}
