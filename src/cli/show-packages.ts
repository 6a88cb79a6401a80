import type { CatalogResult } from '../tasks/catalog.ts'
import { clean, columns, type Paint } from './text.ts'

type CataloguedPackage = CatalogResult['packages'][number]
type UnreadRepository = CatalogResult['unread'][number]

/** Characters of a description in one row. */
const widest = 60

/** Packages as rows: what they are, their highest version and a glance at the description. */
export function showPackages(packages: readonly CataloguedPackage[], paint: Paint): string {
  return columns(
    packages.map((one) => [
      clean(one.name),
      one.kind ?? '-',
      one.highest ?? '-',
      one.versions.length === 1 ? '1 version' : `${one.versions.length} versions`,
      one.problem === null ? glance(one.description ?? '') : paint('yellow', one.problem),
    ]),
  )
}

export function showUnread(unread: readonly UnreadRepository[], paint: Paint): string[] {
  return unread.map(
    ({ repository, code, message }) =>
      `${paint('red', `error[${code}]`)} ${clean(repository)}: ${clean(message)}`,
  )
}

/** A description's first line, cut where the row gets too wide. */
function glance(text: string): string {
  const line = clean(text.split(/[\r\n]/, 1)[0] ?? '')
  return line.length > widest ? `${line.slice(0, widest - 1)}…` : line
}
