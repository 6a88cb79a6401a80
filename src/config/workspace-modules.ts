import { SlipwayError } from '../core/error.ts'
import { type Finding, type Place, showPlace } from '../core/finding.ts'
import { type ExtensionKind, extensionKinds } from '../extension/kinds.ts'
import type { PackagePlace } from '../extension/place.ts'
import { showPath } from '../extension/schema-findings.ts'
import type { Path, YamlFile } from '../extension/yaml.ts'
import { withoutUser } from '../store/address.ts'
import { extensionId, type PackageId } from '../version/package-id.ts'
import { versionOf } from '../version/version.ts'
import { equals, type VersionSet } from '../version/version-set.ts'
import { type SourceCode, SourceFault, type SourceOptions, type Wanted } from './workspace-entry.ts'
import { moduleLists, type WorkspaceYaml } from './workspace-schema.ts'
import { parseSource } from './workspace-source.ts'

/** An extension that the workspace wants. */
export interface WorkspaceModule {
  readonly id: PackageId
  readonly kind: ExtensionKind
  readonly name: string
  readonly set: VersionSet
  /** The range as written; `*` where there is none. */
  readonly text: string
  /** `file:line:column` of the entry. */
  readonly origin: string
  readonly place: Place
  readonly source: PackagePlace
  /** The entry as written. */
  readonly entry: string
  /** The entry's place in the document. */
  readonly path: Path
}

/** The provisioning system that the workspace runs on. */
export interface WorkspaceCore {
  readonly set: VersionSet
  /** The version or range as written; `*` where there is none. */
  readonly text: string
  /** The one version that is wanted, without `v`; undefined for a range. */
  readonly version?: string
  readonly origin: string
  readonly source: PackagePlace
}

/** Reads the entries of a workspace, and keeps every finding about them. */
export class EntryReader {
  readonly findings: Finding[] = []
  readonly #value: WorkspaceYaml
  readonly #yaml: YamlFile
  readonly #options: Omit<SourceOptions, 'kind'>

  constructor(value: WorkspaceYaml, yaml: YamlFile, options: Omit<SourceOptions, 'kind'>) {
    this.#value = value
    this.#yaml = yaml
    this.#options = options
  }

  core(): WorkspaceCore | undefined {
    const path = ['dependencies', 'core', 'source']
    const text = this.#value.dependencies?.core?.source
    const wanted = text === undefined ? undefined : this.#read(text, path, 'core')
    if (wanted === undefined) return undefined
    const version = versionOf(wanted.text.replace(/^v/, ''))
    return {
      set: wanted.set,
      text: wanted.text,
      ...(version === undefined ? {} : { version: version.version }),
      origin: showPlace(this.#yaml.at(path)),
      source: wanted.source,
    }
  }

  modules(): WorkspaceModule[] {
    const byId = new Map<PackageId, WorkspaceModule>()
    for (const kind of extensionKinds) {
      const list = moduleLists[kind]
      for (const [index, entry] of (this.#value.dependencies?.extensions?.modules?.[list] ?? []).entries()) {
        const path = ['dependencies', 'extensions', 'modules', list, index]
        const wanted = this.#read(entry, path, kind)
        if (wanted === undefined) continue
        const place = this.#yaml.at(path)
        const origin = showPlace(place)
        const module = { id: extensionId(wanted.name), kind, ...wanted, origin, place, entry, path }
        const other = byId.get(module.id)
        if (other === undefined) byId.set(module.id, module)
        else this.#twice(other, module)
      }
    }
    return [...byId.values()]
  }

  #read(text: string, path: Path, kind: SourceOptions['kind']): Wanted | undefined {
    try {
      return parseSource(text, { ...this.#options, kind })
    } catch (error) {
      if (error instanceof SourceFault) this.#fault(error.code, text, path, error.message, error.hint)
      else if (error instanceof SlipwayError)
        this.#fault('WORKSPACE_SOURCE_INVALID', text, path, `cannot be read: ${error.message}`, error.hint)
      else throw error
      return undefined
    }
  }

  #fault(code: SourceCode, text: string, path: Path, message: string, hint: string | undefined): void {
    const shown = JSON.stringify(withoutUser(text).slice(0, 200))
    this.findings.push({
      code,
      level: 'error',
      message: `${showPath(path)} ${shown} ${message}`,
      place: this.#yaml.at(path),
      ...(hint === undefined ? {} : { hint }),
    })
  }

  #twice(first: WorkspaceModule, second: WorkspaceModule): void {
    const { name, place } = second
    if (
      first.kind === second.kind &&
      equals(first.set, second.set) &&
      JSON.stringify(first.source) === JSON.stringify(second.source)
    )
      this.findings.push({
        code: 'WORKSPACE_MODULE_DUPLICATE',
        level: 'warning',
        message: `${name} stands here a second time; first in ${first.origin}`,
        place,
        hint: 'Keep one of them.',
      })
    else
      this.findings.push({
        code: 'WORKSPACE_MODULE_CONFLICT',
        level: 'error',
        message: `${name} is wanted as ${shown(second)} here, but as ${shown(first)} in ${first.origin}`,
        place,
        hint: 'There is one version of a package, and one package of a name: keep one entry.',
      })
  }
}

function shown({ kind, entry }: WorkspaceModule): string {
  return `${kind} ${JSON.stringify(withoutUser(entry).slice(0, 200))}`
}
