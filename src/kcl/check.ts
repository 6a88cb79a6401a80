import type { Finding, Place } from '../core/finding.ts'
import { readBytes } from '../tree/text.ts'
import type { Tree } from '../tree/tree.ts'
import type { Version } from '../version/version.ts'
import { kclFiles, modFile } from './files.ts'
import { type KclMod, type ReadKclMod, readKclMod } from './mod.ts'
import { largestToml, tooLarge } from './toml.ts'

/** What a KCL package that is published has to agree with. */
export interface ExpectedKcl {
  /** The folder's name; undefined for an extension's `kcl/`, which is named by its kcl.mod alone. */
  readonly name?: string
  /** The git tag's version. */
  readonly version?: Version | undefined
  readonly gitTag?: string | undefined
}

/** A kcl.mod with the name and version that publishing needs. */
export type NamedKclMod = KclMod & { readonly name: string; readonly version: string }

export interface CheckedKcl {
  /** Undefined where a finding of level error says why. */
  readonly mod: NamedKclMod | undefined
  readonly findings: readonly Finding[]
}

/**
 * The kcl.mod of a package; never throws for what stands in it.
 * @param folder the package's folder relative to the repository, for findings
 */
export async function readKclModOf(tree: Tree, folder: string): Promise<ReadKclMod> {
  const file = fileIn(folder, modFile)
  const refuse = (code: string, message: string, hint: string): ReadKclMod => ({
    mod: undefined,
    findings: [{ code, level: 'error', message, place: { file }, hint }],
  })
  const entry = await tree.file(modFile)
  if (entry === undefined)
    return refuse('KCL_MOD_MISSING', 'kcl.mod is missing', 'Start with [package], name and version.')
  if (entry.link !== undefined)
    return refuse('KCL_MOD_LINK', 'kcl.mod is a symbolic link', 'Put the file itself here.')
  if (entry.size > largestToml) return { mod: undefined, findings: [tooLarge(entry.size, file)] }
  return readKclMod(await readBytes(entry, tree.name, largestToml), file)
}

/**
 * Checks a folder that is to be published as a KCL package.
 * @param tree the package's own folder
 */
export async function checkKcl(tree: Tree, folder: string, expected: ExpectedKcl = {}): Promise<CheckedKcl> {
  const { mod, findings: read } = await readKclModOf(tree, folder)
  if (mod === undefined) return { mod: undefined, findings: read }
  const findings = [...read]
  const file = fileIn(folder, modFile)
  const add = (code: string, message: string, place: Place, hint: string): void => {
    findings.push({ code, level: 'error', message, place, hint })
  }
  for (const key of ['name', 'version'] as const)
    if (mod.places[key] === undefined)
      add('KCL_MOD_VALUE_INVALID', `package.${key} is missing`, { file }, `Write ${key} below [package].`)
  const at = (key: 'name' | 'version') => mod.places[key] ?? { file }
  if (expected.name !== undefined && mod.name !== undefined && mod.name !== expected.name)
    add(
      'KCL_NAME_MISMATCH',
      `name is ${JSON.stringify(mod.name)}, but the folder ${folder} is for ${expected.name}`,
      at('name'),
      `Write name = ${JSON.stringify(expected.name)}, or rename the folder.`,
    )
  const wanted = expected.version?.version
  if (wanted !== undefined && mod.version !== undefined && mod.version !== wanted)
    add(
      'KCL_VERSION_MISMATCH',
      `version is ${JSON.stringify(mod.version)}, but the git tag ${expected.gitTag ?? ''} says ${wanted}`,
      at('version'),
      `Write version = ${JSON.stringify(wanted)}, or tag anew.`,
    )
  findings.push(...pathDependencies(mod, 'error'), ...(await unpackable(tree, folder, mod)))
  const { name, version } = mod
  const failed = findings.some((one) => one.level === 'error')
  if (failed || name === undefined || version === undefined) return { mod: undefined, findings }
  return { mod: { ...mod, name, version }, findings }
}

/**
 * Advice about the kcl.mod of an extension that is not published by itself: there, nothing needs a name, and
 * nothing is an error of the release.
 */
export async function adviseKcl(tree: Tree, folder: string): Promise<Finding[]> {
  const { mod, findings } = await readKclModOf(tree, folder)
  const paths = mod === undefined ? [] : pathDependencies(mod, 'warning')
  return [...findings.map((one): Finding => ({ ...one, level: 'warning' })), ...paths]
}

function pathDependencies(mod: KclMod, level: Finding['level']): Finding[] {
  return mod.dependencies
    .filter((one) => one.from === 'path')
    .map(({ alias, source = '', version = '1.0.0', place }) => ({
      code: 'KCL_PATH_DEPENDENCY',
      level,
      message: `${alias} is a path (${JSON.stringify(source.slice(0, 200))}), which nobody has who pulls the package`,
      place,
      hint: `Publish that package and write ${alias} = "${version.slice(0, 100)}".`,
    }))
}

/** What kpm's archives cannot hold, and a package nobody could read. */
async function unpackable(tree: Tree, folder: string, mod: KclMod): Promise<Finding[]> {
  const files = await kclFiles(tree, mod)
  const found = files
    .filter((file) => file.link !== undefined)
    .map(
      ({ path }): Finding => ({
        code: 'KCL_LINK',
        level: 'error',
        message: `${path} is a symbolic link, which kpm cannot unpack`,
        place: { file: fileIn(folder, path) },
        hint: 'Put the file itself there, or name it in exclude of kcl.mod.',
      }),
    )
  if (!files.some((file) => file.path === modFile))
    found.push({
      code: 'KCL_MOD_EXCLUDED',
      level: 'error',
      message: 'include and exclude leave kcl.mod itself out of the package',
      place: mod.places.include ?? mod.places.exclude ?? { file: fileIn(folder, modFile) },
      hint: 'Add "kcl.mod" to include, or narrow exclude.',
    })
  return found
}

function fileIn(folder: string, path: string): string {
  return folder === '' ? path : `${folder}/${path}`
}
