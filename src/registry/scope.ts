/** What a request needs to be allowed. */
export type Scope =
  | { readonly repository: string; readonly actions: readonly Action[] }
  | { readonly catalog: true }

export type Action = 'pull' | 'push' | 'delete'

/**
 * Scopes as token servers write them, `repository:<name>:pull,push`, the first wanted first. Who may push
 * is also asked for pull, as every push looks first at what is there.
 */
export function scopeTexts(scopes: readonly Scope[]): readonly string[] {
  const actions = new Map<string, Set<string>>()
  for (const scope of scopes) {
    const name = 'catalog' in scope ? 'registry:catalog' : `repository:${scope.repository}`
    const wanted = actions.get(name) ?? new Set<string>()
    actions.set(name, wanted)
    if ('catalog' in scope) wanted.add('*')
    else for (const action of scope.actions) wanted.add(action)
    if (wanted.has('push')) wanted.add('pull')
  }
  return [...actions].map(([name, wanted]) => `${name}:${[...wanted].sort().join(',')}`)
}

/** Whether a token for `granted` serves `wanted` too: the same names with no more actions. */
export function covers(granted: readonly string[], wanted: readonly string[]): boolean {
  const allowed = granted.map(split)
  return wanted.map(split).every(([name, actions]) => {
    const have = allowed.filter(([other]) => other === name).flatMap(([, list]) => list)
    return allowed.some(([other]) => other === name) && actions.every((action) => have.includes(action))
  })
}

/** What is wanted, then what a challenge asks for beyond it; a hostile challenge is cut short. */
export function mergeScopes(wanted: readonly string[], challenge: string | undefined): readonly string[] {
  const more = (challenge ?? '')
    .split(' ')
    .filter((text) => /^[\x21-\x7e]{1,512}$/.test(text) && !covers(wanted, [text]))
  return [...wanted, ...new Set(more.slice(0, 8))]
}

function split(text: string): [name: string, actions: readonly string[]] {
  const colon = text.lastIndexOf(':')
  return colon < 0 ? [text, []] : [text.slice(0, colon), text.slice(colon + 1).split(',')]
}
