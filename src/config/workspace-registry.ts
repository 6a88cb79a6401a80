import type { Finding, Place } from '../core/finding.ts'
import { showPlace } from '../core/finding.ts'
import { showPath } from '../extension/schema-findings.ts'
import type { Path } from '../extension/yaml.ts'
import { isLoopback } from '../http/address.ts'
import { parseTarget, withoutUser } from '../store/address.ts'
import type { OciYaml, RegistryYaml, WorkspaceYaml } from './workspace-schema.ts'
import { pathIn } from './workspace-source.ts'

/** How the workspace says one host is spoken to. */
export interface WorkspaceHost {
  /** Undefined: for loopback only. */
  readonly plainHttp?: boolean
  /** File with the token, absolute. */
  readonly tokenPath?: string
}

export interface WorkspaceRegistry extends WorkspaceHost {
  readonly host: string
  readonly plainHttp: boolean
  readonly namespaces: { readonly [K in 'extensions' | 'kcl' | 'platform' | 'test']?: string }
}

export interface Registries {
  readonly registry?: WorkspaceRegistry
  /** Where extensions that are only a name are found. */
  readonly extensions?: { readonly host: string; readonly namespace: string }
  /** By `host[:port]` in lower case. */
  readonly hosts: ReadonlyMap<string, WorkspaceHost>
  readonly findings: readonly Finding[]
}

interface Surroundings {
  readonly root: string
  readonly home: string
  at(path: Path): Place
}

/** The registries of a workspace and how each is spoken to. */
export function readRegistries(value: WorkspaceYaml, surroundings: Surroundings): Registries {
  const reader = new Reader(surroundings)
  const { dependencies = {} } = value
  // A block counts as a whole: parts of two would send the token of one registry to another.
  const below = dependencies.registry !== undefined
  if (below) reader.unused('registry', value.registry, dependencies.registry)
  if (dependencies.platform !== undefined) reader.unused('platform', value.platform, dependencies.platform)
  const ownRegistry = dependencies.registry ?? value.registry
  const ownPlatform = dependencies.platform ?? value.platform
  const inside = dependencies.platform === undefined ? [] : ['dependencies']

  const { oci } = dependencies.extensions ?? {}
  const extensionHost = reader.block(oci, ['dependencies', 'extensions', 'oci'])
  const registry = reader.registry(ownRegistry, [...(below ? ['dependencies'] : []), 'registry', 'oci'])
  reader.block(ownPlatform?.oci, [...inside, 'platform', 'oci'])

  const host = extensionHost ?? registry?.host
  const shared = registry?.host === host ? registry?.namespaces.extensions : undefined
  const namespace = oci?.namespace ?? shared
  // A registry alone, for other things, is no place for extensions.
  const named = extensionHost !== undefined || namespace !== undefined
  const extensions = host === undefined || !named ? undefined : { host, namespace: namespace ?? '' }
  return {
    ...(registry === undefined ? {} : { registry }),
    ...(extensions === undefined ? {} : { extensions }),
    hosts: reader.hosts,
    findings: reader.findings,
  }
}

class Reader {
  readonly hosts = new Map<string, WorkspaceHost>()
  readonly findings: Finding[] = []
  readonly #said = new Map<string, { readonly tls?: Place; readonly token?: Place }>()
  readonly #surroundings: Surroundings

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
  }

  registry(value: RegistryYaml | undefined, path: Path): WorkspaceRegistry | undefined {
    const { oci } = value ?? {}
    if (oci?.endpoint === undefined) return undefined
    const host = this.#host(oci.endpoint, [...path, 'endpoint'], oci, path)
    if (host === undefined) return undefined
    const settings = this.hosts.get(host.toLowerCase()) ?? {}
    const namespaces = Object.fromEntries(
      Object.entries(oci.namespaces ?? {}).filter(([, one]) => one !== undefined),
    )
    const plainHttp = settings.plainHttp ?? isLoopback(new URL(`http://${host}`).hostname)
    return { host, ...settings, plainHttp, namespaces }
  }

  block(oci: OciYaml | undefined, path: Path): string | undefined {
    if (oci?.registry === undefined) return undefined
    return this.#host(oci.registry, [...path, 'registry'], oci, path)
  }

  /** Says what a block holds that another one hides. */
  unused(path: string, hidden: unknown, used: unknown): void {
    const said = new Map(leaves(used, [path]).map((one) => [showPath(one.path), one.value]))
    for (const one of leaves(hidden, [path])) {
      const name = showPath(one.path)
      if (said.get(name) === one.value) continue
      this.#add('WORKSPACE_SETTING_HIDDEN', 'warning', one.path, {
        message: `${name} is not used: dependencies.${path} stands in its place`,
        hint: `Move what is needed to dependencies.${path}, and keep one of the two.`,
      })
    }
  }

  #host(
    text: string,
    where: Path,
    settings: { readonly tls_enabled?: boolean | undefined; readonly auth_token_path?: string | undefined },
    path: Path,
  ): string | undefined {
    const [, scheme, rest = ''] = /^(?:([a-z]+):\/\/)?(.*?)\/?$/s.exec(text) ?? []
    const host = hostOf(rest)
    if (host === undefined || !['http', 'https', 'oci', undefined].includes(scheme)) {
      this.#add('WORKSPACE_REGISTRY_INVALID', 'error', where, {
        message: `${JSON.stringify(withoutUser(text).slice(0, 200))} is not HOST[:PORT]`,
        hint: 'A scheme http or https may stand before it; a path goes into the namespace, a token into auth_token_path.',
      })
      return undefined
    }
    const byScheme = scheme === 'http' ? true : scheme === 'https' ? false : undefined
    const byKey = settings.tls_enabled === undefined ? undefined : !settings.tls_enabled
    this.#tls(host, byScheme ?? byKey, byScheme === undefined ? [...path, 'tls_enabled'] : where)
    this.#token(host, settings.auth_token_path, [...path, 'auth_token_path'])
    return host
  }

  #tls(host: string, plainHttp: boolean | undefined, where: Path): void {
    const key = host.toLowerCase()
    const known = this.hosts.get(key) ?? {}
    this.hosts.set(key, known)
    if (plainHttp === undefined) return
    const place = this.#surroundings.at(where)
    const other = this.#said.get(key)?.tls
    if (other !== undefined && known.plainHttp !== plainHttp) {
      // Taking one of them could send a token in the clear.
      this.#add('WORKSPACE_TLS_CONTRADICTION', 'error', where, {
        message: `${host} speaks ${plainHttp ? 'HTTP' : 'HTTPS'} here, but not in ${showPlace(other)}`,
        hint: 'Say the same in both places.',
      })
      return
    }
    this.hosts.set(key, { ...known, plainHttp })
    this.#said.set(key, { ...this.#said.get(key), tls: other ?? place })
  }

  #token(host: string, text: string | undefined, where: Path): void {
    if (text === undefined) return
    const key = host.toLowerCase()
    const known = this.hosts.get(key) ?? {}
    const tokenPath = pathIn(text, this.#surroundings)
    const other = this.#said.get(key)?.token
    if (other !== undefined) {
      if (known.tokenPath !== tokenPath)
        this.#add('WORKSPACE_TOKEN_HIDDEN', 'warning', where, {
          message: `The token for ${host} is taken from what ${showPlace(other)} names, not from here`,
          hint: 'One token is used for one host; name the same file in both places.',
        })
      return
    }
    this.hosts.set(key, { ...known, tokenPath })
    this.#said.set(key, { ...this.#said.get(key), token: this.#surroundings.at(where) })
  }

  #add(
    code: RegistryCode,
    level: Finding['level'],
    path: Path,
    text: { readonly message: string; readonly hint: string },
  ): void {
    this.findings.push({ code, level, place: this.#surroundings.at(path), ...text })
  }
}

type RegistryCode =
  | 'WORKSPACE_REGISTRY_INVALID'
  | 'WORKSPACE_SETTING_HIDDEN'
  | 'WORKSPACE_TLS_CONTRADICTION'
  | 'WORKSPACE_TOKEN_HIDDEN'

function hostOf(text: string): string | undefined {
  try {
    const target = parseTarget(`oci://${text}`)
    return target.scheme === 'oci' && target.prefix === '' ? target.host : undefined
  } catch {
    return undefined
  }
}

/** Every scalar with its path. */
function leaves(value: unknown, path: Path): { readonly path: Path; readonly value: unknown }[] {
  if (typeof value !== 'object' || value === null) return value === undefined ? [] : [{ path, value }]
  return Object.entries(value).flatMap(([key, child]) =>
    leaves(child, [...path, Array.isArray(value) ? Number(key) : key]),
  )
}
