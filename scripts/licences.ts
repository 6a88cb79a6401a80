import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'

/**
 * The licence notices of every npm package that these modules come from, in order of name. A package that
 * declares a licence but ships no text is named with what it declares.
 * @throws when a package declares no licence at all
 */
export function licences(modules: readonly string[]): string {
  const within = `${sep}node_modules${sep}`
  const folders = new Set<string>()
  for (const id of modules) {
    const at = id.lastIndexOf(within)
    if (at < 0) continue
    const parts = id.slice(at + within.length).split(sep)
    folders.add(join(id.slice(0, at), 'node_modules', ...parts.slice(0, parts[0]?.startsWith('@') ? 2 : 1)))
  }
  const notices = [...folders].map(notice).sort()
  return `Slipway's bundles contain these packages.\n\n${notices.join('\n')}`
}

function notice(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license?: string
  }
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    .sort()
    .map((file) => join(folder, file))
    .filter(existsSync)
    .map((file) => readFileSync(file, 'utf8').replaceAll('\r\n', '\n').trim())
  if (license === undefined && texts.length === 0) throw new Error(`${name}@${version} declares no licence`)
  const rule = '-'.repeat(80)
  return `${rule}\n${name} ${version} (${license ?? 'see below'})\n${rule}\n\n${texts.join('\n\n')}\n`
}
