import { badInput } from '../core/error.ts'
import { type Finding, showPlace } from '../core/finding.ts'
import { checkSchema } from '../extension/schema-findings.ts'
import { type Path, readYaml, type YamlFile } from '../extension/yaml.ts'
import type { Digest } from '../oci/digest.ts'
import { core, type PackageId } from '../version/package-id.ts'
import type { Lock, LockedPackage } from './lock.ts'
import { blockFault, lockSchema, mostPackages, type PackageBlock } from './schema.ts'

/** The version this program writes and the only one it reads. */
export const lockVersion = 1

/** Bytes: as many packages as a lock may have, each with a dozen dependencies. */
export const largestLock = 16 * 1024 * 1024

/** Findings for one file; a file with more has one cause. */
const mostFindings = 50

const anew =
  'Take the last good one from git (git checkout HEAD slipway.lock), or remove it; then run slipway deps resolve.'

/**
 * Reads a `slipway.lock`. It may come from anybody's pull request: everything in it is checked, also that
 * each package a root or another package needs is there.
 * @param file the name for messages
 * @throws LOCK_CONFLICT, LOCK_NEWER, LOCK_INVALID with every finding
 */
export function readLock(text: string | Uint8Array, file: string): Lock {
  refuseConflict(text, file)
  const yaml = readYaml(text, file, largestLock)
  refuseNewer(yaml, file)
  const { value, findings } = checkSchema(lockSchema, yaml, 'LOCK', 'error')
  if (value === undefined) throw invalid(file, findings)

  const packages = new Map(Object.entries(value.packages))
  const faults = danglingOf(yaml, value.roots, packages)
  if (faults.length > 0) throw invalid(file, faults)
  return {
    roots: value.roots,
    options: value.options,
    requirements: value.requirements as Digest,
    packages: [...packages].map(([id, block]) => lockedOf(id, block)).sort(byId),
  }
}

export function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

function lockedOf(id: string, block: PackageBlock): LockedPackage {
  const { kind, version, source, manifest, layer, dependencies = {}, platforms = [] } = block
  return {
    id: id as PackageId,
    kind,
    version,
    ...(source === undefined ? {} : { source }),
    ...(manifest === undefined ? {} : { manifest: manifest as Digest }),
    ...(layer === undefined ? {} : { layer: layer as Digest }),
    dependencies,
    platforms,
  }
}

/** What a merge by hand breaks: blocks that do not fit their id, and needs that nothing meets. */
function danglingOf(
  yaml: YamlFile,
  roots: Readonly<Record<string, string>>,
  packages: ReadonlyMap<string, PackageBlock>,
): readonly Finding[] {
  const findings: Finding[] = []
  const add = (path: Path, message: string) => {
    if (findings.length >= mostFindings) return
    findings.push({ code: 'LOCK_VALUE_INVALID', level: 'error', message, place: yaml.at(path, 'key') })
  }
  if (packages.size > mostPackages)
    add(['packages'], `There are ${packages.size} packages; at most ${mostPackages} are read`)
  // A version of the core that nobody told constrains nothing and is not locked.
  const missing = (id: string) => id !== core && !packages.has(id)
  for (const id of Object.keys(roots))
    if (missing(id)) add(['roots', id], `The lock has no package ${id}, which is a root`)
  for (const [id, block] of packages) {
    const fault = blockFault(id, block)
    if (fault !== undefined) add(['packages', id], `${id} ${fault}`)
    // A KCL package that no source has is left to KCL's own client.
    for (const needed of Object.keys(block.dependencies ?? {}))
      if (missing(needed) && !needed.startsWith('kcl:'))
        add(['packages', id, 'dependencies', needed], `The lock has no package ${needed}, which ${id} needs`)
  }
  return findings
}

function refuseConflict(text: string | Uint8Array, file: string): void {
  const whole = typeof text === 'string' ? text : Buffer.from(text).toString('latin1')
  const marker = /^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?\r?$/m.exec(whole)
  if (marker === null || !/^<{7} /m.test(whole)) return
  const line = whole.slice(0, marker.index).split('\n').length
  throw badInput('LOCK_CONFLICT', `${file}:${line}:1: both sides of a merge changed the lock here`, {
    hint: 'Keep either side (git checkout --ours, or --theirs, and the file), then run slipway deps resolve: it writes what both sides ask for.',
  })
}

function refuseNewer(yaml: YamlFile, file: string): void {
  const { value } = yaml
  if (typeof value !== 'object' || value === null || !('version' in value)) return
  const { version } = value
  if (typeof version !== 'number' || !Number.isInteger(version) || version <= lockVersion) return
  throw badInput(
    'LOCK_NEWER',
    `${showPlace(yaml.at(['version'])) || file}: the lock has version ${version}; this program reads ${lockVersion}`,
    {
      hint: 'A later Slipway wrote it: use that one, or remove the lock and run slipway deps resolve.',
    },
  )
}

function invalid(file: string, findings: readonly Finding[]) {
  const errors = findings.filter(({ level }) => level === 'error')
  const [first] = errors
  const message =
    first === undefined || errors.length > 1
      ? `${file} has ${errors.length} errors${first === undefined ? '' : `, the first at ${showPlace(first.place)}`}`
      : `${showPlace(first.place)}: ${first.message}`
  return badInput('LOCK_INVALID', message, { findings, hint: anew })
}
