/** One glob or `/regular expression/` of a mirror's rules. */
export interface Pattern {
  readonly text: string
  matches(name: string): boolean
}

/**
 * Reads a glob, where `*` stands for anything but `/`, `**` for anything and `?` for one character but `/`,
 * and which must match the whole name; or a `/regular expression/`, which may match anywhere, as in JavaScript.
 * @returns undefined for a regular expression that is none
 */
export function patternOf(text: string): Pattern | undefined {
  const source = isRegularExpression(text) ? text.slice(1, -1) : `^${globSource(text)}$`
  try {
    const expression = new RegExp(source, 'u')
    return { text, matches: (name) => expression.test(name) }
  } catch {
    return undefined
  }
}

/** Whether a pattern can only mean the one name that it is. */
export function isLiteral(text: string): boolean {
  return !isRegularExpression(text) && !/[*?]/.test(text)
}

function isRegularExpression(text: string): boolean {
  return text.length > 2 && text.startsWith('/') && text.endsWith('/')
}

function globSource(glob: string): string {
  return glob.replace(/\*\*+|[*?]|[^\w/]/g, (part) => {
    if (part.startsWith('**')) return '.*'
    if (part === '*') return '[^/]*'
    return part === '?' ? '[^/]' : part === '-' ? '-' : `\\${part}`
  })
}
