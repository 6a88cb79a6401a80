import { pathFault } from './path.ts'

const mostHops = 40

/**
 * Why a symbolic link must not be packed or created: its target is absolute, leaves the folder, also by
 * way of other links, or goes round in a circle. `links` holds every link of the folder by path. A link
 * to something that is not there is allowed.
 */
export function linkFault(path: string, links: ReadonlyMap<string, string>): string | undefined {
  const ahead = path.split('/').reverse()
  const here: string[] = []
  let hops = 0
  for (let part = ahead.pop(); part !== undefined; part = ahead.pop()) {
    if (part === '' || part === '.') continue
    if (part === '..') {
      // POSIX resolves `..` after following what stands before it, so `here` never holds a link.
      if (here.pop() === undefined) return 'leaves the folder'
      continue
    }
    here.push(part)
    const target = links.get(here.join('/'))
    if (target === undefined) continue
    if (++hops > mostHops) return 'goes round in a circle'
    if (target === '') return 'has no target'
    if (target.startsWith('/') || /^[A-Za-z]:/.test(target)) return 'has an absolute target'
    if (target.includes('\\')) return 'has a backslash in its target'
    if (pathFault(target.replaceAll('/', '')) === 'holds a control character')
      return 'has a control character in its target'
    here.pop()
    ahead.push(...target.split('/').reverse())
  }
  return undefined
}
