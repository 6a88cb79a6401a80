/** A glob, or a regular expression between slashes, over tags. */
export interface Pattern {
  /** As written. */
  readonly text: string
  matches(tag: string): boolean
}

/**
 * A pattern over tags: `1.2*` (`*` any run, `?` one character, the whole tag) or `/^1\.2\./` (anywhere, as
 * JavaScript has it).
 * @returns undefined for a regular expression that is none
 */
export function tagPattern(text: string): Pattern | undefined {
  const [, source] = /^\/(.+)\/$/s.exec(text) ?? []
  try {
    const regex = source === undefined ? globRegex(text) : new RegExp(source, 'u')
    return { text, matches: (tag) => regex.test(tag) }
  } catch {
    return undefined
  }
}

/**
 * Whether a glob names a repository or a namespace above it: `*` stays within one part of the path, `**` stands
 * for any number of parts.
 */
export function coversRepository(glob: string, repository: string): boolean {
  const steps = glob.split('/')
  const parts = repository.split('/')
  // How far each prefix of the glob can reach into the path.
  let ends = new Set([0])
  for (const step of steps) {
    const next = new Set<number>()
    for (const end of ends) {
      if (step === '**') for (let at = end; at <= parts.length; at++) next.add(at)
      else if (end < parts.length && globRegex(step).test(parts[end] as string)) next.add(end + 1)
    }
    ends = next
  }
  return ends.size > 0
}

function globRegex(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\/]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 'su')
}
