import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod/mini'
import { badInput, messageOf } from '../core/error.ts'
import type { Finding, Place } from '../core/finding.ts'
import { checkSchema } from '../extension/schema-findings.ts'
import { type Path, readYaml } from '../extension/yaml.ts'
import { backends } from '../registry/vendor/names.ts'
import { isTarget, said } from './schema-parts.ts'

const line = z
  .string()
  .check(
    z.minLength(1),
    z.maxLength(1000),
    z.regex(/^[^\x00-\x1f\x7f-\x9f]*$/, 'must be one line without control characters'),
  )

const target = z
  .string()
  .check(z.maxLength(1000), z.refine(isTarget, 'is not oci://HOST[:PORT]/PREFIX, layout:DIR or archive:FILE'))

/** Seconds, or a number with its unit. */
export const durationPattern = /^\d{1,9}(\.\d{1,3})?(ms|s|m|h)?$/
const duration = z.union([
  z.number().check(z.gte(0), z.lte(86_400)),
  z.string().check(z.regex(durationPattern, 'is not a duration')),
])

const slots = (pattern: RegExp, message: string) =>
  z.string().check(z.maxLength(200), z.regex(pattern, message))

const kind = z.strictObject({
  folder: said(
    slots(
      /^$|^(?!\.{1,2}(\/|$))[\w.-]+(\/(?!\.{1,2}(\/|$))[\w.-]+)*$/,
      'is not a path inside the repository',
    ),
    'The folder that holds the packages of this kind.',
    'taskservs',
  ),
  gitTag: said(
    slots(
      /^(?=.*\{version\})(?!.*\{version\}.*\{version\})(?!.*\{folder\}.*\{folder\})(?!.*\{name\}.*\{name\})([^{}]|\{(folder|name|version)\})+$/,
      'must hold {version} once, and {folder} and {name} at most once',
    ),
    'The form of its git tags, of {folder}, {name} and {version}.',
    '{folder}/{name}/v{version}',
  ),
  repository: said(
    slots(/^[a-z0-9._/-]*(\{name\}[a-z0-9._/-]*)?$/, 'is not a repository with {name}'),
    "The repository below a target's prefix, with {name}.",
    '{name}',
  ),
  registryTag: said(
    slots(/^v?\{version\}$/, 'must be {version} or v{version}'),
    'The exact tag in the registry: {version} or v{version}; other forms would not count as versions.',
    'v{version}',
  ),
  prefix: said(
    slots(/^$|^[a-z0-9]+([._/-]+[a-z0-9]+)*$/, 'is not a part of a repository'),
    "What stands between a target's prefix and the repository.",
    'provisioning-kcl',
  ),
  name: said(
    slots(/^[a-z0-9]+([._-]+[a-z0-9]+)*$/, 'is not a name'),
    'The one package of a kind whose git tags hold no {name}.',
    'provisioning-core',
  ),
})

const host = z
  .string()
  .check(z.regex(/^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?$/, 'is not HOST[:PORT]'))

const registry = z.strictObject({
  plainHttp: said(z.boolean(), 'Speak HTTP without TLS. Default: for loopback only.'),
  ca: said(line, 'File with certificates (PEM) to trust besides those of the system.', 'certs/ca.pem'),
  cert: said(line, 'File with the client certificate (PEM).', 'certs/client.pem'),
  key: said(line, "File with the client certificate's key (PEM).", 'certs/client.key'),
  requestsPerSecond: said(z.number().check(z.gt(0), z.lte(10_000)), 'Most requests per second.', 10),
  timeout: said(duration, 'Longest time without a byte in either direction. Default: 30s.', '30s'),
  retries: said(z.int().check(z.gte(0), z.lte(20)), 'Attempts after the first. Default: 3.', 3),
  retryDelay: said(duration, 'Time before the first retry. Default: 1s.', '1s'),
  retryBackoff: said(z.number().check(z.gte(1), z.lte(10)), 'Factor between two retries. Default: 2.', 2),
  backend: said(
    z.enum(backends),
    'What the registry is, for cleaning it up. Default: ghcr for ghcr.io, oci for others.',
    'harbor',
  ),
  api: said(
    z.string().check(z.regex(/^https?:\/\/[^\s/@]+(\/\S*)?$/, 'is not a URL without a password')),
    "Address of GitHub's API for the backend ghcr on another host; its token goes there.",
    'https://github.example.org/api/v3',
  ),
})

/** `slipway.yaml`: an unknown key is an error, since it would change nothing where somebody meant a change. */
export const slipwaySchema = z.strictObject({
  version: z
    .literal(1)
    .register(z.globalRegistry, { description: 'The version of this format.', examples: [1] }),
  kinds: said(
    z.strictObject({
      provider: z.optional(kind),
      taskserv: z.optional(kind),
      cluster: z.optional(kind),
      kcl: z.optional(kind),
      core: z.optional(kind),
      platform: z.optional(kind),
    }),
    'What differs from the usual layout, by kind.',
  ),
  targets: said(z.array(target).check(z.minLength(1), z.maxLength(50)), 'Where releases go.', [
    'oci://ghcr.io/example-org/provisioning-extensions',
  ]),
  sources: said(
    z.array(target).check(z.minLength(1), z.maxLength(50)),
    'Where published extensions are found.',
    ['oci://ghcr.io/example-org/provisioning-extensions'],
  ),
  core: said(line, 'Version of the provisioning core, or its reference in a registry.', '3.5.0'),
  gitea: said(
    z.strictObject({
      url: said(
        z.string().check(z.regex(/^https?:\/\/[^\s/@]+(\/\S*)?$/, 'is not a URL without a password')),
        'Base URL of the Gitea or Forgejo that gitea:// names without a host.',
        'https://git.example.org',
      ),
    }),
    'The Gitea or Forgejo instance.',
  ),
  registries: said(z.record(host, registry), 'How single registries are spoken to, by HOST[:PORT].'),
  test: said(
    z.strictObject({
      command: said(line, 'What runs in an extension before it is packaged.', 'nu tests/run.nu'),
      timeout: said(duration, 'Longest time for the tests of one extension. Default: 300s.', '5m'),
    }),
    'Tests of an extension.',
  ),
})

export type SlipwayYaml = z.infer<typeof slipwaySchema>

/** A file that was read, and where its values stand. */
export interface ConfigurationFile {
  /** As findings and origins name it. */
  readonly name: string
  /** The folder that relative paths in it start from. */
  readonly folder: string
  readonly value: SlipwayYaml
  at(path: Path): Place
}

/**
 * Reads a `slipway.yaml` from text.
 * @throws CONFIGURATION_INVALID with every finding
 */
export function readSlipwayYaml(
  content: string | Uint8Array,
  name: string,
  folder: string,
): ConfigurationFile {
  const yaml = readYaml(content, name)
  const { value, findings } = checkSchema(slipwaySchema, yaml, 'CONFIGURATION', 'error')
  if (value === undefined) throw invalid(name, findings)
  return { name, folder, value, at: yaml.at }
}

/**
 * Reads `slipway.yaml` in a folder; undefined where there is none.
 * @throws CONFIGURATION_INVALID, CONFIGURATION_UNREADABLE
 */
export async function loadSlipwayYaml(folder: string): Promise<ConfigurationFile | undefined> {
  const path = join(folder, 'slipway.yaml')
  let content: Uint8Array
  try {
    content = await readFile(path)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw badInput('CONFIGURATION_UNREADABLE', `${path} cannot be read: ${messageOf(cause)}`, { cause })
  }
  return readSlipwayYaml(content, 'slipway.yaml', folder)
}

function invalid(name: string, findings: readonly Finding[]) {
  const count = findings.length === 1 ? 'an error' : `${findings.length} errors`
  return badInput('CONFIGURATION_INVALID', `${name} has ${count}`, { findings })
}
