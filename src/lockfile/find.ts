import { badInput } from '../core/error.ts'
import { didYouMean } from '../extension/nearest.ts'
import type { PackageId } from '../version/package-id.ts'
import type { Lock } from './lock.ts'

/**
 * The package of a lock that a user names: an extension's name, `kcl:NAME` or `core`.
 * @throws PACKAGE_NOT_LOCKED
 */
export function lockedId(lock: Lock, name: string): PackageId {
  const found = lock.packages.find((one) => one.id === name)
  if (found !== undefined) return found.id
  const ids = lock.packages.map((one) => one.id)
  const kcl = ids.find((one) => one === `kcl:${name}`)
  throw badInput('PACKAGE_NOT_LOCKED', `${JSON.stringify(name.slice(0, 100))} is not part of the solution`, {
    hint:
      kcl === undefined
        ? (didYouMean(name, ids) ?? 'slipway deps tree shows what is.')
        : `There is a KCL package of this name: ${kcl}.`,
  })
}
