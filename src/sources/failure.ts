import { hasCode, onSide, SlipwayError } from '../core/error.ts'

/** Names the repository in what went wrong there: a connection's failure tells only the host. */
export function failedAt(where: string, error: unknown): unknown {
  if (!(error instanceof SlipwayError)) return error
  const { code, exit, findings, hint: told } = error
  const refused = hasCode(error, 'UNAUTHORIZED', 'DENIED')
  const named = error.message.includes(where.replace(/^oci:\/\//, ''))
  if (named && !refused) return onSide('source', error)
  const hint = refused ? `${misspelt} ${told ?? 'log in.'}` : told
  return new SlipwayError(code, named ? error.message : `${where}: ${error.message}`, {
    side: 'source',
    exit,
    findings,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  })
}

/** A registry that tells nobody what is not there answers so for a name that somebody mistyped. */
const misspelt =
  'Check the name first: many registries answer this for repositories that do not exist, too. Otherwise:'

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
