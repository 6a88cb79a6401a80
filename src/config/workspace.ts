import { badInput } from '../core/error.ts'
import { type Finding, sortFindings } from '../core/finding.ts'
import { defaultLayouts, type Layouts } from '../extension/kinds.ts'
import { checkSchema } from '../extension/schema-findings.ts'
import { readYaml } from '../extension/yaml.ts'
import type { SourceOptions } from './workspace-entry.ts'
import { findWorkspace, type WorkspaceFile } from './workspace-file.ts'
import { EntryReader, type WorkspaceCore, type WorkspaceModule } from './workspace-modules.ts'
import {
  type Registries,
  readRegistries,
  type WorkspaceHost,
  type WorkspaceRegistry,
} from './workspace-registry.ts'
import { workspaceSchema } from './workspace-schema.ts'

export type { WorkspaceCore, WorkspaceModule } from './workspace-modules.ts'
export type { WorkspaceHost, WorkspaceRegistry } from './workspace-registry.ts'

/** `workspace/config/provisioning.yaml` as a value: nothing more is read later. */
export interface Workspace {
  /** As findings name it. */
  readonly file: string
  /** What relative paths in it start from: the folder that holds `config/`. */
  readonly root: string
  /** Warnings; errors are thrown. */
  readonly findings: readonly Finding[]
  readonly sourceType: SourceOptions['sourceType']
  readonly core?: WorkspaceCore
  readonly modules: readonly WorkspaceModule[]
  readonly registry?: WorkspaceRegistry
  /** Where an entry that is only a name is found. */
  readonly extensions?: NonNullable<Registries['extensions']>
  /** By `host[:port]` in lower case: what the workspace says of single hosts. */
  readonly hosts: ReadonlyMap<string, WorkspaceHost>
}

export interface WorkspaceOptions {
  /** What `~` stands for; absolute. */
  readonly home: string
  /** `gitea.url` of `slipway.yaml`. */
  readonly giteaUrl?: string | undefined
  readonly layouts?: Layouts
}

/**
 * The workspace of a folder; undefined where it has none.
 * @param directory `-C`, absolute
 * @param named a file that is to be read instead; absolute
 * @throws WORKSPACE_INVALID with every finding, WORKSPACE_MISSING, WORKSPACE_UNREADABLE
 */
export async function loadWorkspace(
  directory: string,
  options: WorkspaceOptions,
  named?: string,
): Promise<Workspace | undefined> {
  const file = await findWorkspace(directory, named)
  return file === undefined ? undefined : readWorkspace(file.content, file, options)
}

/**
 * Reads a workspace from text.
 * @throws WORKSPACE_INVALID with every finding
 */
export function readWorkspace(
  content: string | Uint8Array,
  { name, root }: Pick<WorkspaceFile, 'name' | 'root'>,
  options: WorkspaceOptions,
): Workspace {
  const yaml = readYaml(content, name)
  const { value, findings } = checkSchema(workspaceSchema, yaml, 'WORKSPACE', 'warning')
  if (value === undefined) throw invalid(name, findings)
  const { home, giteaUrl, layouts = defaultLayouts } = options
  const registries = readRegistries(value, { root, home, at: yaml.at })
  const sourceType = value.dependencies?.extensions?.source_type ?? 'oci'
  const registry = registries.extensions
  const reader = new EntryReader(value, yaml, { layouts, sourceType, registry, root, home, giteaUrl })
  const core = reader.core()
  const modules = reader.modules()
  // What is wrong with the registry is told there, not at every entry.
  const broken = registries.findings.some(({ level }) => level === 'error')
  const entries = reader.findings.filter(({ code }) => !broken || code !== 'WORKSPACE_REGISTRY_MISSING')
  const all = sortFindings([...findings, ...registries.findings, ...entries])
  if (all.some((finding) => finding.level === 'error')) throw invalid(name, all)
  const { findings: _, ...read } = registries
  return { file: name, root, findings: all, sourceType, modules, ...read, ...(core ? { core } : {}) }
}

function invalid(name: string, findings: readonly Finding[]) {
  const errors = findings.filter((finding) => finding.level === 'error').length
  const count = errors === 1 ? 'an error' : `${errors} errors`
  return badInput('WORKSPACE_INVALID', `${name} has ${count}`, { findings })
}
