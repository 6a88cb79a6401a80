import { badInput } from '../core/error.ts'
import { parseAddress } from '../store/address.ts'
import { type Version, versionOf } from '../version/version.ts'

/** The core as it is configured: its version, and where it is, if that is said. */
export interface CoreCandidate {
  readonly version: Version
  /** As the lock writes it: `oci://ghcr.io/example/provisioning-core`. */
  readonly source?: string
}

const hint = 'Write a full version such as 3.5.0, or oci://HOST/REPOSITORY:v3.5.0.'

/**
 * Reads `3.5.0`, `v3.5.0` or a reference with such a tag, as `--core-version`, `core` in slipway.yaml and a
 * workspace's `core.source` give it.
 * @param origin who said so, for messages
 * @throws CORE_INVALID
 */
export function coreCandidate(text: string, origin: string): CoreCandidate {
  const bare = versionOf(text.replace(/^v/, ''))
  if (bare !== undefined) return { version: bare }
  const shown = JSON.stringify(text.slice(0, 200))
  if (!/^(oci|layout|archive):/.test(text))
    throw badInput('CORE_INVALID', `${origin}: ${shown} is neither a version nor a reference of the core`, {
      hint,
    })
  const address = parseAddress(text)
  const version = versionOf(address.tag?.replace(/^v/, '') ?? '')
  if (version === undefined)
    throw badInput('CORE_INVALID', `${origin}: ${shown} names no version of the core in its tag`, { hint })
  return { version, source: text.slice(0, text.lastIndexOf(`:${address.tag}`)) }
}
