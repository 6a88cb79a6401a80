/** One challenge of a WWW-Authenticate header (RFC 9110, section 11.6.1). Names are lower-case. */
export interface Challenge {
  readonly scheme: string
  readonly parameters: ReadonlyMap<string, string>
}

/** More than any registry sends; what lies beyond is not read. */
const longest = 16 * 1024
const most = 16

// Sticky, each anchored at one place and without nested repetition: hostile input costs linear time.
const separators = /[\s,]*/y
const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const equals = /[ \t]*=[ \t]*/y
const quoted = /"((?:[^"\\]|\\[\s\S])*)"/y
const bare = /[^\s,"]*/y
const token68 = /[ \t]+[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)/y

/**
 * Every challenge in a header's value, several headers joined with ", ". Never throws: what cannot be read
 * ends the list.
 */
export function parseChallenges(header: string | undefined): readonly Challenge[] {
  const text = (header ?? '').slice(0, longest)
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match === null) return undefined
    at = pattern.lastIndex
    return match
  }
  while (challenges.length <= most) {
    take(separators)
    const name = take(token)?.[0].toLowerCase()
    if (name === undefined) break
    const current = challenges.at(-1)
    if (take(equals) === undefined) {
      challenges.push({ scheme: name, parameters: new Map() })
      // `Negotiate YII=`: one value instead of parameters, which must not pass for one of them.
      take(token68)
      continue
    }
    const value = take(quoted)?.[1]?.replace(/\\([\s\S])/g, '$1') ?? take(bare)?.[0]
    if (current === undefined || value === undefined) break
    if (!current.parameters.has(name)) current.parameters.set(name, value)
  }
  return challenges.slice(0, most)
}
