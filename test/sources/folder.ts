import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** An empty folder that goes with the test. */
export function temporary(): string {
  const path = mkdtempSync(join(tmpdir(), 'slipway-sources-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}
