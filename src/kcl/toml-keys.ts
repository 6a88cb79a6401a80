/** Names of a path that are remembered: `dependencies.k8s.version` has three. */
const deepest = 4

/**
 * Where the keys of a TOML document stand: each path as JSON, and its offset. Arrays of tables keep their
 * first one. Only for text that a parser has accepted: what is wrong there is not noticed here.
 */
export function keyOffsets(text: string): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>()
  let table: readonly string[] = []
  let at = 0
  while (at < text.length) {
    at = skip(text, at, /[\s\ufeff]*/y)
    if (text[at] === '#') at = skip(text, at, /[^\n]*/y)
    else if (text[at] === '[') {
      const start = at
      at = skip(text, at, /\[+/y)
      const key = readKey(text, at)
      table = key.path
      remember(offsets, [], key.path, start)
      at = skip(text, key.end, /[^\n]*/y)
    } else if (at < text.length) {
      const key = readKey(text, at)
      remember(offsets, table, key.path, at)
      at = skipValue(text, key.end)
    }
  }
  return offsets
}

function remember(
  offsets: Map<string, number>,
  table: readonly string[],
  key: readonly string[],
  at: number,
): void {
  for (let length = 1; length <= key.length && table.length + length <= deepest; length++) {
    const path = JSON.stringify([...table, ...key.slice(0, length)])
    if (!offsets.has(path)) offsets.set(path, at)
  }
}

/** The end of what a sticky pattern matches. */
function skip(text: string, at: number, pattern: RegExp): number {
  pattern.lastIndex = at
  pattern.test(text)
  return Math.max(pattern.lastIndex, at)
}

/** `a.b."c d"`, up to the `=` or `]` behind it. */
function readKey(text: string, from: number): { path: string[]; end: number } {
  const path: string[] = []
  let at = from
  while (at < text.length && !/[=\]\n]/.test(text[at] ?? '')) {
    const start = at
    if (text[at] === '"' || text[at] === "'") {
      at = skipText(text, at)
      path.push(unquoted(text.slice(start, at)))
    } else {
      at = skip(text, at, /[A-Za-z0-9_-]+/y)
      if (at > start) path.push(text.slice(start, at))
    }
    if (at === start) at += 1
  }
  return { path, end: at + 1 }
}

/** TOML's escapes are JSON's, and `\U`, which no name needs. */
function unquoted(text: string): string {
  if (text.startsWith("'")) return text.slice(1, -1)
  try {
    return JSON.parse(text) as string
  } catch {
    return text
  }
}

/** The end of the line on which a value ends; arrays and long strings may take several. */
function skipValue(text: string, from: number): number {
  let depth = 0
  let at = from
  while (at < text.length) {
    const start = at
    const character = text[at]
    if (character === '\n' && depth === 0) return at + 1
    if (character === '#') at = skip(text, at, /[^\n]*/y)
    else if (character === '"' || character === "'") at = skipText(text, at)
    else if (character === '[' || character === '{') depth += 1
    else if (character === ']' || character === '}') depth -= 1
    if (at === start) at += 1
  }
  return at
}

/** The end of a text in quotes, long or short. */
function skipText(text: string, from: number): number {
  const quote = text[from] ?? ''
  const long = text.startsWith(quote.repeat(3), from)
  const closing = long ? quote.repeat(3) : quote
  for (let at = from + closing.length; at < text.length; at++) {
    if (text[at] === '\\' && quote === '"') at += 1
    else if (text.startsWith(closing, at)) {
      at += closing.length
      // A long text may end in quotes of its own: the last three of up to five close it.
      while (long && text[at] === quote) at += 1
      return at
    }
  }
  return text.length
}
