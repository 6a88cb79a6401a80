import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Variables under which git depends on nothing of this machine. */
const environment = {
  PATH: process.env.PATH ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'C',
  GIT_COMMITTER_EMAIL: 'c@example.org',
}

export interface GitOptions {
  /** What git reads from its standard input. */
  readonly input?: string
  /** Author's and committer's time. */
  readonly date?: string
}

/** Runs git in a folder and returns what it printed. Throws when it fails. */
export function git(dir: string, args: readonly string[], { input = '', date }: GitOptions = {}): string {
  return execFileSync('git', [...args], {
    cwd: dir,
    encoding: 'utf8',
    input,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...environment, ...(date && { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date }) },
  }).trim()
}

/** Commits everything and sets lightweight tags on the commit. Returns the commit. */
export function commit(dir: string, tags: readonly string[] = [], date = '2020-02-02T02:02:02Z'): string {
  git(dir, ['add', '-A'])
  git(dir, ['commit', '-q', '--allow-empty', '-m', 'change'], { date })
  const id = git(dir, ['rev-parse', 'HEAD'])
  setTags(dir, tags, id)
  return id
}

/** Sets tags on a commit with a single process, whatever their number. */
export function setTags(dir: string, tags: readonly string[], id = 'HEAD'): void {
  git(dir, ['update-ref', '--stdin'], {
    input: tags.map((tag) => `update refs/tags/${tag} ${id}\n`).join(''),
  })
}

export async function write(dir: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), content)
  }
}

export interface GeneratedExtension {
  readonly name: string
  readonly version: string
  /** What only this extension holds; equal text makes equal files. */
  readonly content?: string
  /** Names of extensions that it depends on. */
  readonly needs?: readonly string[]
}

export function tagOf({ name, version }: Pick<GeneratedExtension, 'name' | 'version'>): string {
  return `taskservs/${name}/v${version}`
}

/** A small task service of ten files that passes every check. Its manifest always names it. */
export function extensionFiles({
  name,
  version,
  content = name,
  needs = [],
}: GeneratedExtension): Record<string, string> {
  const folder = `taskservs/${name}`
  // Text that compresses as scripts do: most of it repeats.
  const body = (what: string) =>
    Array.from({ length: 40 }, (_, line) => `# ${what} of ${content}, step ${line * 7919}\n`).join('')
  const dependencies = needs.map((one) => `  ${one}: "*"\n`).join('')
  const files: Record<string, string> = {
    'manifest.yaml': `name: ${name}\ntype: taskserv\nversion: ${version}\ndescription: Generated to be released\nlicense: Apache-2.0\n${needs.length === 0 ? '' : `dependencies:\n${dependencies}`}`,
    'kcl/kcl.mod': `[package]\nname = "${name}"\nversion = "${version}"\n`,
    [`kcl/${name}.k`]: `schema Settings:\n    name: str = "${name}"\n${body('The schema')}`,
    'scripts/install.nu': `#!/usr/bin/env nu\nprint "${name}"\n${body('Installation')}`,
    'scripts/check.nu': `#!/usr/bin/env nu\nprint "ok"\n${body('The check')}`,
    'scripts/uninstall.nu': `#!/usr/bin/env nu\nprint "gone"\n${body('Removal')}`,
    'templates/service.conf': body('The service'),
    'templates/settings.toml': body('The settings'),
    'docs/README.md': `# ${name}\n\n${body('The description')}`,
    // A folder of tests without `run.nu`: nothing to run, nothing to warn of.
    'tests/README.md': body('The tests'),
  }
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]))
}

/** A git repository with the extensions in one commit, each with its tag. */
export async function generateRepository(
  dir: string,
  extensions: readonly GeneratedExtension[],
): Promise<void> {
  await mkdir(dir, { recursive: true })
  git(dir, ['init', '-q', '-b', 'main'])
  for (const extension of extensions) await write(dir, extensionFiles(extension))
  commit(dir, extensions.map(tagOf))
}
