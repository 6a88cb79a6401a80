import type { Registry } from './registry.ts'

export interface Shape {
  readonly registry: Registry
  readonly roots: string
}

type Entry = readonly [string, string]

const range = (count: number) => Array.from({ length: count }, (_, at) => at + 1)

function shape(roots: string, entries: readonly Entry[]): Shape {
  return { roots, registry: Object.fromEntries(entries) }
}

/** Every version of a link needs the same version of the next; the last link only has the lowest. */
export function chain(links: number, versions: number): Shape {
  return shape('p1 *', [
    ...range(links - 1).flatMap((link) =>
      range(versions).map((version): Entry => [`p${link} ${version}.0.0`, `p${link + 1} ${version}.0.0`]),
    ),
    [`p${links} 1.0.0`, ''],
  ])
}

/** Two packages a rung, each of which needs both of the next rung at its own version; the feet disagree. */
export function ladder(rungs: number, versions: number): Shape {
  return shape('l1 *, r1 *', [
    ...range(rungs - 1).flatMap((rung) =>
      ['l', 'r'].flatMap((side) =>
        range(versions).map(
          (version): Entry => [
            `${side}${rung} ${version}.0.0`,
            `l${rung + 1} ^${version}.0.0, r${rung + 1} ^${version}.0.0`,
          ],
        ),
      ),
    ),
    ...range(versions).flatMap((version): Entry[] => [
      [`l${rungs} ${version}.0.0`, 'foot 1.0.0'],
      [`r${rungs} ${version}.0.0`, 'foot 2.0.0'],
    ]),
    ['foot 1.0.0', ''],
    ['foot 2.0.0', ''],
  ])
}

/** Every version of every package needs its own version of one that all share: no two go together. */
export function crowd(packages: number, versions: number): Shape {
  return shape(
    range(packages)
      .map((one) => `p${one} *`)
      .join(', '),
    range(packages).flatMap((one) =>
      range(versions).flatMap((version): Entry[] => [
        [`p${one} ${version}.0.0`, `shared ${one}.${version}.0`],
        [`shared ${one}.${version}.0`, ''],
      ]),
    ),
  )
}

/** Many free choices, and two packages that never go together: whoever forgets tries all combinations. */
export function bystanders(packages: number, versions: number): Shape {
  const free = range(packages)
  return shape(`${free.map((one) => `free${one} *`).join(', ')}, left *, right *`, [
    ...free.flatMap((one) => range(versions).map((version): Entry => [`free${one} ${version}.0.0`, ''])),
    ...range(versions).flatMap((version): Entry[] => [
      [`left ${version}.0.0`, `z-left ${version}.0.0`],
      [`right ${version}.0.0`, `z-right ${version}.0.0`],
      [`z-left ${version}.0.0`, 'z 1.0.0'],
      [`z-right ${version}.0.0`, 'z 2.0.0'],
    ]),
    ['z 1.0.0', ''],
    ['z 2.0.0', ''],
  ])
}

/** One package chosen early rules out, version by version, all of one that is chosen late, but for the oldest. */
export function latecomer(versions: number): Shape {
  return shape('early *, late *', [
    ...range(versions).flatMap((version): Entry[] => [
      [`early ${version}.0.0`, `base ${version}.0.0`],
      [`base ${version}.0.0`, ''],
      [`late ${version}.0.0`, `between ${version}.0.0`],
      [`between ${version}.0.0`, 'base 1.0.0'],
    ]),
    ['late 0.1.0', 'base 1.0.0'],
  ])
}

/** Neighbours on a ring differ by one version each, so that going round never closes. */
export function ring(packages: number, versions: number): Shape {
  return shape(
    'p1 *',
    range(packages).flatMap((one) =>
      range(versions).map(
        (version): Entry => [
          `p${one} ${version}.0.0`,
          `p${(one % packages) + 1} ${one === packages ? (version % versions) + 1 : version}.0.0`,
        ],
      ),
    ),
  )
}
