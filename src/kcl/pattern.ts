import { posix } from 'node:path'

/** One step of a pattern: any run without `/`, or one character. */
type Step = 'run' | ((character: string) => boolean)

/**
 * A pattern of kcl.mod's `include` and `exclude`: by the rules of Go's `filepath.Match` over the path from the
 * package's root, where `*` stops at `/` and a folder's name does not stand for its files.
 * @returns undefined for a pattern that Go calls malformed, and that therefore matches nothing
 */
export function kclPattern(text: string): ((path: string) => boolean) | undefined {
  const normal = posix.normalize(text).replace(/^\/+|\/+$/g, '')
  const steps = stepsOf([...normal])
  if (steps === undefined) return undefined
  if (normal === '.' || normal === '..' || normal.startsWith('../')) return () => false
  return (path) => matches(steps, [...path])
}

function stepsOf(pattern: readonly string[]): Step[] | undefined {
  const steps: Step[] = []
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] as string
    if (character === '*') steps.push('run')
    else if (character === '?') steps.push((one) => one !== '/')
    else if (character === '[') {
      const set = setOf(pattern, at + 1)
      if (set === undefined) return undefined
      steps.push(set.includes)
      at = set.end
    } else {
      const literal = character === '\\' ? pattern[++at] : character
      if (literal === undefined) return undefined
      steps.push((one) => one === literal)
    }
  }
  return steps
}

/** `[a-z]`, `[^/]`: the part behind the bracket. */
function setOf(pattern: readonly string[], from: number) {
  const ranges: [low: string, high: string][] = []
  const negated = pattern[from] === '^'
  let at = negated ? from + 1 : from
  const next = (): string | undefined => {
    const character = pattern[at++]
    if (character === '-' || character === ']') return undefined
    return character === '\\' ? pattern[at++] : character
  }
  while (ranges.length === 0 || pattern[at] !== ']') {
    const low = next()
    let high = low
    if (low !== undefined && pattern[at] === '-') {
      at += 1
      high = next()
    }
    if (low === undefined || high === undefined) return undefined
    ranges.push([low, high])
  }
  const point = (text: string) => text.codePointAt(0) ?? 0
  const includes = (one: string) =>
    ranges.some(([low, high]) => point(low) <= point(one) && point(one) <= point(high)) !== negated
  return { includes, end: at }
}

/** Goes back to the last run only: what Go does, and never more than quadratic. */
function matches(steps: readonly Step[], path: readonly string[]): boolean {
  let [step, at] = [0, 0]
  let back: { step: number; at: number } | undefined
  while (at < path.length || step < steps.length) {
    const now = steps[step]
    const character = path[at]
    if (now === 'run') {
      back = { step, at }
      step += 1
    } else if (now !== undefined && character !== undefined && now(character)) {
      step += 1
      at += 1
    } else {
      if (back === undefined || back.at >= path.length || path[back.at] === '/') return false
      back = { step: back.step, at: back.at + 1 }
      step = back.step + 1
      at = back.at
    }
  }
  return true
}
