import { randomUUID } from 'node:crypto'
import { chmod, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import {
  readWorkspace,
  type Workspace,
  type WorkspaceModule,
  type WorkspaceOptions,
} from '../config/workspace.ts'
import { editScalars, type ScalarEdit } from '../config/workspace-edit.ts'
import { findWorkspace, type WorkspaceFile } from '../config/workspace-file.ts'
import { badInput, messageOf, SlipwayError } from '../core/error.ts'
import type { Finding } from '../core/finding.ts'
import { type Layouts, repositoryOf } from '../extension/kinds.ts'
import { readManifest } from '../extension/manifest.ts'
import { largestYaml } from '../extension/yaml.ts'
import { type Target, under } from '../store/address.ts'
import { folderTree } from '../tree/folder.ts'
import { readText } from '../tree/text.ts'
import type { Context } from './context.ts'

export interface WorkspaceMigrateOptions extends WorkspaceOptions {
  /** Absolute path of the folder with the workspace (`-C`). */
  readonly directory: string
  /** A workspace file elsewhere; absolute. */
  readonly file?: string | undefined
  readonly layouts: Layouts
  /** Where the extensions are published; default: the registry and namespace of the workspace. */
  readonly target?: Target | undefined
  readonly dryRun: boolean
}

/** One entry and what it says from now on. */
export interface MigratedEntry {
  readonly name: string
  /** `file:line:column`. */
  readonly origin: string
  readonly before: string
  readonly after: string
}

export interface WorkspaceMigrateResult {
  /** As findings name it. */
  readonly file: string
  readonly changes: readonly MigratedEntry[]
  /** In the unified format; empty where there was nothing to do. */
  readonly diff: string
  readonly written: boolean
}

/**
 * Makes `oci://` references of all modules of a workspace that are folders or in git. All or nothing: an
 * entry whose version nobody tells leaves the file as it is. Nothing but these entries and `source_type`
 * changes.
 * @throws WORKSPACE_MISSING, WORKSPACE_TARGET_MISSING, WORKSPACE_NOT_MIGRATED with every finding,
 *   WORKSPACE_NOT_WRITABLE, and what reading a workspace throws
 */
export async function workspaceMigrate(
  options: WorkspaceMigrateOptions,
  { report }: Pick<Context, 'report'>,
): Promise<WorkspaceMigrateResult> {
  const file = await findWorkspace(options.directory, options.file)
  if (file === undefined)
    throw badInput('WORKSPACE_MISSING', `There is no workspace in ${options.directory}`, {
      hint: 'It would be workspace/config/provisioning.yaml or config/provisioning.yaml.',
    })
  const workspace = readWorkspace(file.content, file, options)
  const movable = workspace.modules.filter(({ source }) => source.type === 'folder' || source.type === 'git')
  const edits = movable.length === 0 ? [] : await references(movable, workspace, options)
  for (const finding of workspace.findings) report.emit({ type: 'finding', finding })
  const changes = movable.map(({ name, origin, entry }, index) => ({
    name,
    origin,
    before: entry,
    after: edits[index]?.value ?? entry,
  }))
  if (workspace.sourceType !== 'oci') edits.push({ path: sourceType, value: 'oci' })
  // A byte order mark stays where it is.
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(file.content)
  const edited = editScalars(text, edits, file.name)
  // What is written must mean the same to the next reader.
  const after = readWorkspace(edited.text, file, options)
  if (after.modules.some(({ source }) => source.type === 'folder' || source.type === 'git'))
    throw new Error(`${file.name} would not be migrated by these changes`)
  const written = edited.text !== text && !options.dryRun
  if (written) await replace(file, edited.text)
  return { file: file.name, changes, diff: edited.diff, written }
}

const sourceType = ['dependencies', 'extensions', 'source_type'] as const

async function references(
  modules: readonly WorkspaceModule[],
  workspace: Workspace,
  options: WorkspaceMigrateOptions,
): Promise<ScalarEdit[]> {
  const target = targetOf(workspace, options)
  // Which of two equal entries stays is not ours to choose, and both cannot.
  const findings = workspace.findings
    .filter(({ code }) => code === 'WORKSPACE_MODULE_DUPLICATE')
    .map((finding): Finding => ({ ...finding, level: 'error' }))
  const edits: ScalarEdit[] = []
  for (const module of modules) {
    const { kind, name, path, place } = module
    const version = await versionOf(module)
    if ('text' in version)
      edits.push({
        path,
        value: `oci://${target.host}/${under(target, repositoryOf(options.layouts, kind, name))}:${version.text}`,
      })
    else findings.push({ code: 'WORKSPACE_VERSION_UNKNOWN', level: 'error', place, ...version })
  }
  if (findings.length === 0) return edits
  throw badInput('WORKSPACE_NOT_MIGRATED', `${workspace.file} cannot be migrated, and stays as it is`, {
    findings,
    hint: 'Correct the entries that are named; all of them change, or none.',
  })
}

function targetOf(workspace: Workspace, { target }: WorkspaceMigrateOptions): Target & { scheme: 'oci' } {
  if (target !== undefined && target.scheme !== 'oci')
    throw badInput(
      'WORKSPACE_TARGET_MISSING',
      'A workspace refers to a registry, not to a layout or archive',
      {
        hint: 'Write --to oci://HOST/NAMESPACE.',
      },
    )
  if (target !== undefined) return target
  const { extensions } = workspace
  if (extensions === undefined)
    throw badInput('WORKSPACE_TARGET_MISSING', `Nothing says where the extensions of ${workspace.file} are`, {
      hint: 'Set dependencies.extensions.oci.registry and namespace there, or name the place with --to oci://HOST/NAMESPACE.',
    })
  return { scheme: 'oci', host: extensions.host, prefix: extensions.namespace }
}

type VersionText = { readonly text: string } | { readonly message: string; readonly hint: string }

/** The version of a folder's manifest, or the version or range that a git entry names. */
async function versionOf({ kind, name, source, text }: WorkspaceModule): Promise<VersionText> {
  if (source.type !== 'folder') {
    if (text !== '*') return { text }
    return {
      message: `Nothing tells the version of ${name}`,
      hint: 'Name the git tag after #, such as #v1.2.3.',
    }
  }
  const content = await manifestIn(source.path)
  if (typeof content !== 'string') return content
  const { manifest, findings } = readManifest(content, 'manifest.yaml')
  const error = findings.find(({ level }) => level === 'error')
  if (manifest === undefined)
    return {
      message: `The manifest.yaml of ${name} has errors: ${error?.message ?? 'it cannot be read'}`,
      hint: 'slipway validate shows all of them.',
    }
  if (manifest.type !== kind || manifest.name !== name)
    return {
      message: `The manifest.yaml of ${name} is that of the ${manifest.type} ${manifest.name}, not of the ${kind} ${name}`,
      hint: 'Correct the path, the manifest or the list.',
    }
  return { text: manifest.version }
}

async function manifestIn(folder: string): Promise<string | Exclude<VersionText, { text: string }>> {
  const hint = 'Correct the path: it is relative to the workspace.'
  try {
    const text = await readText(folderTree(folder), 'manifest.yaml', largestYaml)
    return text ?? { message: `${folder} has no manifest.yaml`, hint }
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error
    return { message: error.message, hint: error.hint ?? hint }
  }
}

/** All or nothing, also when the machine stops in between: the file is the old one or the new one. */
async function replace(file: WorkspaceFile, text: string): Promise<void> {
  try {
    // A link stays one.
    const path = await realpath(file.path)
    const temporary = `${path}.${randomUUID()}.tmp`
    try {
      await writeFile(temporary, text, { flag: 'wx', flush: true })
      await chmod(temporary, (await stat(path)).mode)
      await rename(temporary, path)
    } finally {
      await rm(temporary, { force: true })
    }
  } catch (cause) {
    throw new SlipwayError('WORKSPACE_NOT_WRITABLE', `${file.path} cannot be written: ${messageOf(cause)}`, {
      hint: 'Check that this user may write to the file and its folder, and that there is space left.',
      cause,
    })
  }
}
