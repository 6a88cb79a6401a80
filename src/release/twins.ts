import { badInput } from '../core/error.ts'
import type { PlannedRelease } from './plan.ts'

/** One run releases one package into a repository, and one version under a tag. @throws PACKAGE_COLLISION */
export function refuseTwins(one: PlannedRelease, others: readonly PlannedRelease[]): void {
  for (const other of others) {
    if (other.repository !== one.repository) continue
    const differs = other.kind !== one.kind || other.name !== one.name
    if (!differs && other.tag !== one.tag) continue
    const what = differs ? `the repository ${one.repository}` : `${one.repository}:${one.tag}`
    throw badInput('PACKAGE_COLLISION', `${label(other)} and ${label(one)} both claim ${what}`, {
      hint: 'Release one of them.',
    })
  }
}

function label({ kind, folder, name, gitTag }: PlannedRelease): string {
  return `${kind} ${folder === '' ? name : folder}${gitTag === undefined ? '' : ` (${gitTag})`}`
}
