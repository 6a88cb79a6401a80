import { appendFile } from 'node:fs/promises'
import * as core from '@actions/core'

/** Entries that the runner takes in one job; one more fails the step. */
const most = 500

/**
 * Declares what a step published, so that a later step can attest to it: one `oci://…@sha256:…` a line in
 * the file that the runner names in GITHUB_ARTIFACTS. The tag stays in the name, since the runner refuses a
 * second digest under one name in a job.
 */
export async function declareSubjects(path: string | undefined, references: unknown): Promise<void> {
  if (path === undefined || path === '' || !Array.isArray(references)) return
  const all = references.filter(
    (one): one is string => typeof one === 'string' && /^oci:\/\/[^=\s]+@sha256:[0-9a-f]{64}$/.test(one),
  )
  const subjects = [...new Set(all)]
  if (subjects.length === 0) return
  if (subjects.length > most)
    core.notice(`Of ${subjects.length} artifacts the first ${most} are declared for attestation.`)
  await appendFile(path, `${subjects.slice(0, most).join('\n')}\n`)
}
