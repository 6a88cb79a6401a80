import { hasCode, onSide, SlipwayError } from '../core/error.ts'

/** Names the repository in what went wrong there: a connection's failure tells only the host. */
export function failedAt(where: string, error: unknown): unknown {
  if (!(error instanceof SlipwayError)) return error
  if (error.message.includes(where.replace(/^oci:\/\//, ''))) return onSide('source', error)
  return new SlipwayError(error.code, `${where}: ${error.message}`, {
    side: 'source',
    exit: error.exit,
    findings: error.findings,
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  })
}

/** Whether what a registry holds is at fault, not the way to it: then another version can still be chosen. */
export function isDamage(error: unknown): error is SlipwayError {
  return hasCode(
    error,
    'BLOB_UNKNOWN',
    'DESCRIPTOR_INVALID',
    'DIGEST_MISMATCH',
    'MANIFEST_INVALID',
    'MANIFEST_TOO_LARGE',
    'MANIFEST_UNKNOWN',
    'SIZE_MISMATCH',
  )
}

/** Something is not known, and `--offline` keeps it from being asked. */
export function offline(what: string): SlipwayError {
  return new SlipwayError('OFFLINE', `${what} was never asked for before, and --offline asks nothing`, {
    hint: 'Run once without --offline.',
    side: 'source',
  })
}
