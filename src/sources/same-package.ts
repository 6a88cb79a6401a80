import { badInput } from '../core/error.ts'
import { identityOf } from '../install/identity.ts'
import type { LockedPackage } from '../lockfile/lock.ts'
import type { Encoded } from '../oci/manifest.ts'
import { nameOf } from '../version/package-id.ts'
import { parseVersion } from '../version/version.ts'
import { type ReadBlob, readCandidate } from './read-candidate.ts'
import type { Candidate, Withheld } from './source.ts'

/**
 * Checks that a manifest is that of the locked package: digests alone do not tell, since the name and version beside
 * them decide where the files are put and what the receipt says.
 * @param where the manifest's own address, for the message
 * @param blob asked only where the annotations do not say what it is
 * @throws LOCK_IDENTITY_MISMATCH
 */
export async function checkPublished(
  found: Encoded,
  locked: LockedPackage,
  where: string,
  blob: ReadBlob,
): Promise<void> {
  const { id, kind, version } = locked
  const name = nameOf(id)
  if (kind === 'kcl') {
    // kpm's own annotations save fetching the archive for its kcl.mod.
    const own = identityOf(found.manifest.annotations)
    if (own?.kind === kind) {
      if (own.name === name && own.version === version) return
      throw notTheLocked(locked, `${where} is the KCL package ${own.name} ${own.version}`)
    }
  }
  const asked = { id, version: parseVersion(version), kinds: [kind], name, source: where }
  const read = await readCandidate(found, asked, blob)
  if ('unavailable' in read) throw notTheLocked(locked, `${where} ${read.unavailable.reason}`)
}

/**
 * Checks what an archive of a package's own files was found to hold at the locked version.
 * @param where the archive's address, for the message
 * @throws LOCK_IDENTITY_MISMATCH
 */
export function checkHeld(
  held: Candidate | Withheld | undefined,
  locked: LockedPackage,
  where: string,
): void {
  if (held === undefined) throw notTheLocked(locked, `${where} holds another version`)
  if ('unavailable' in held) throw notTheLocked(locked, `${where} ${held.unavailable.reason}`)
  if (held.kind !== locked.kind) throw notTheLocked(locked, `${where} holds a ${held.kind}`)
}

function notTheLocked({ id, kind, version }: LockedPackage, what: string) {
  return badInput(
    'LOCK_IDENTITY_MISMATCH',
    `${what}, but slipway.lock has it as the ${kind} ${id} ${version}`,
    {
      hint: 'slipway.lock was edited or merged wrongly: run slipway deps resolve.',
    },
  )
}
