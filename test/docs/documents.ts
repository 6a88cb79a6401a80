import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A Markdown file of the project. */
export interface Document {
  /** Relative to the project. */
  readonly file: string
  readonly text: string
}

/** Documents at the top, below `docs/`, and of each action, workflow and example repository. */
export function readDocuments(): Document[] {
  const top = readdirSync(root).filter((name) => name.endsWith('.md'))
  const below = ['docs', 'actions', 'examples', 'bench', 'test'].flatMap((folder) => {
    if (!existsSync(join(root, folder))) return []
    const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name))
  })
  return [...top, ...below.filter((name) => !name.includes('.slipway/'))]
    .sort()
    .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))
}

/** What stands between fences, by the fence's language. */
export function fenced(text: string): { readonly language: string; readonly code: string }[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = '']) => ({
    language,
    code,
  }))
}

/** A document without its fenced code. */
export function prose(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '')
}

/** Why a link of a document leads nowhere; undefined where it leads somewhere. */
export function brokenLink(document: Document, link: string): string | undefined {
  if (/^(https?|mailto):/.test(link)) return undefined
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? join(root, document.file) : resolve(dirname(join(root, document.file)), path)
  const where = `${document.file}: ${link}`
  if (relative(root, target).startsWith('..')) return `${where} leaves the project`
  if (!existsSync(target)) return `${where} does not exist`
  if (anchor === undefined) return undefined
  if (statSync(target).isDirectory()) return `${where}: a folder has no headings`
  return anchors(readFileSync(target, 'utf8')).includes(anchor) ? undefined : `${where}: no such heading`
}

export function links(text: string): string[] {
  return [...prose(text).matchAll(/(?<!!)\[[^\]]*\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
}

/** Headings as GitHub and Gitea make anchors of them. */
export function anchors(text: string): string[] {
  return [...prose(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  )
}

/** Paths of the project that a document names between backticks; those of an extension or a release are not. */
export function namedPaths(text: string): string[] {
  return [
    ...prose(text).matchAll(
      /`((?:src|test|docs|scripts|examples|actions|bench|dist|schemas|\.ci|\.github)\/[^`\s:]*)`/g,
    ),
  ]
    .map(([, path = '']) => path)
    .filter((path) => !/[<>*{}…$]|\.nu$|\/\.slipway\//.test(path))
}

/** `release` of `npx slipway release …`, in code between fences or backticks. */
export function slipwayCommands(text: string): string[] {
  const code = [
    ...fenced(text).map((one) => one.code),
    ...[...prose(text).matchAll(/`([^`]+)`/g)].map(([, one = '']) => one),
  ]
  return code.flatMap((one) =>
    [...one.matchAll(/(?:^|[\s(&|])slipway ([a-z][a-z-]*)/gm)].map(([, name = '']) => name),
  )
}

/** `check` of `npm run check`. */
export function npmScripts(text: string): string[] {
  return [...text.matchAll(/npm run (?:--silent )?([a-z:]+)/g)].map(([, name = '']) => name)
}

/** Long flags in code and prose. */
export function flags(text: string): string[] {
  return [...text.matchAll(/(?<![\w-])--([a-z][a-z0-9-]*)/g)].map(([flag]) => flag)
}
