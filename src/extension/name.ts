/** A package's name: one component of an OCI repository (distribution spec v1.1, `<name>`). */
export const namePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/

/** Characters of a name; leaves room for prefixes within a repository's 255. */
export const longestName = 100

export const nameForm = 'lower-case letters and digits, separated by ".", "_" or "-"'

export const nameHint = `A name has ${nameForm}.`

export function isName(text: string): boolean {
  return text.length <= longestName && namePattern.test(text)
}

/** A folder between the kind's folder and the package's: free to have capitals, never `..` or hidden. */
export function isCategory(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(text)
}
