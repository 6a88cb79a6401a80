import { closest, distance } from 'fastest-levenshtein'

/** The known word somebody probably meant, or undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  // Anything this long is no typo, and comparing it would only cost time.
  if (word.length > 100 || known.length === 0) return undefined
  const lower = word.toLowerCase()
  const swapped = known.find((one) => isSwapped(lower, one.toLowerCase()))
  if (swapped !== undefined) return swapped
  const best = closest(lower, known)
  const far = Math.max(1, Math.floor(Math.max(word.length, best.length) / 3))
  return distance(lower, best.toLowerCase()) <= far ? best : undefined
}

/** Whether two neighbouring letters changed places, the commonest slip, which counts as two to a distance. */
function isSwapped(word: string, other: string): boolean {
  if (word.length !== other.length) return false
  const at = [...word].findIndex((letter, index) => letter !== other[index])
  return at >= 0 && word === `${other.slice(0, at)}${other[at + 1]}${other[at]}${other.slice(at + 2)}`
}

/** `Did you mean x?` for a hint, or undefined. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const best = nearest(word, known)
  return best === undefined ? undefined : `Did you mean ${best}?`
}
