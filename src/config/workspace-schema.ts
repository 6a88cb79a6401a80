import * as z from 'zod/mini'
import { isRepository } from '../oci/reference.ts'

/** Entries of one list; a workspace with more was not written by people. */
const mostEntries = 1000

/** Escape sequences in a terminal and line breaks in an annotation have no place in these texts. */
const line = () =>
  z
    .string()
    .check(
      z.minLength(1),
      z.maxLength(1000),
      z.regex(/^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$/, 'must be one line without control characters'),
    )

const said = <S extends z.core.$ZodType>(schema: S, description: string, ...examples: unknown[]) => {
  const optional = z.optional(schema)
  z.globalRegistry.add(optional, { description, ...(examples.length > 0 ? { examples } : {}) })
  return optional
}

const path = z.string().check(z.refine(isRepository, 'is not a part of a repository'))

const reference = 'oci://ghcr.io/example-org/provisioning-extensions/kubernetes:^1.28'
const module = line()
z.globalRegistry.add(module, { examples: [reference] })

const modules = (folder: string) =>
  said(z.array(module).check(z.maxLength(mostEntries)), `Wanted ${folder}.`, [reference])

const tls = said(z.boolean(), 'Whether the registry speaks HTTPS. Default: unless it is on this machine.')

const token = said(
  line(),
  'File with the token for this registry, sent as the password of user `_token`.',
  '~/.provisioning/tokens/oci',
)

const oci = z.object({
  registry: said(line(), 'The registry: `HOST[:PORT]`, with or without a scheme.', 'ghcr.io'),
  namespace: said(path, 'What stands before the names of packages.', 'example-org/provisioning-extensions'),
  tls_enabled: tls,
  auth_token_path: token,
})

const platform = z.object({
  source_type: said(z.enum(['oci', 'gitea', 'local']), 'Where platform images come from.', 'oci'),
  oci: said(oci, 'The registry of platform images.'),
  images: said(
    z.union([
      z.array(line()).check(z.maxLength(mostEntries)),
      z.record(z.string().check(z.regex(/^[\w.-]{1,100}$/, 'is not a name')), line()),
    ]),
    'References of platform images: a list, or by service.',
    ['oci://ghcr.io/example-org/provisioning-platform/orchestrator:v3.5.0'],
  ),
})

const registry = z.object({
  type: said(z.literal('oci'), 'The type of registry: `oci`.', 'oci'),
  oci: said(
    z.object({
      endpoint: said(
        line(),
        'The registry: `HOST[:PORT]`; a scheme before it overrides `tls_enabled`.',
        'https://ghcr.io',
      ),
      tls_enabled: tls,
      auth_token_path: token,
      namespaces: said(
        z.object({
          extensions: said(path, 'Namespace of extensions.', 'example-org/provisioning-extensions'),
          kcl: said(path, 'Namespace of KCL packages.', 'example-org/provisioning-kcl'),
          platform: said(path, 'Namespace of platform images.', 'example-org/provisioning-platform'),
          test: said(path, 'Namespace for trials.', 'example-org/provisioning-test'),
        }),
        'What stands before the names of packages, by what they are.',
      ),
    }),
    'How the registry is reached.',
  ),
})

/** `workspace/config/provisioning.yaml`: others own keys of it too, so unknown ones are only warned about. */
export const workspaceSchema = z.object({
  dependencies: said(
    z.object({
      core: said(
        z.object({
          source: said(
            line(),
            'The provisioning core: `oci://…:v3.5.0` or `gitea://…`.',
            'oci://ghcr.io/example-org/provisioning-core:v3.5.0',
          ),
        }),
        'The provisioning system itself.',
      ),
      extensions: said(
        z.object({
          source_type: said(
            z.enum(['oci', 'gitea', 'local']),
            'What an entry without a scheme is: `oci` (default) a name in `oci`, `local` a path.',
            'oci',
          ),
          oci: said(oci, 'Where entries that are only a name are found.'),
          modules: said(
            z.object({
              providers: modules('providers'),
              taskservs: modules('taskservs'),
              clusters: modules('clusters'),
            }),
            'The wanted extensions, by kind.',
          ),
        }),
        'The extensions of this workspace.',
      ),
      platform: said(platform, 'The images of the platform.'),
      registry: said(registry, 'The registry of this workspace.'),
    }),
    'What the workspace is made of.',
  ),
  platform: said(platform, 'The same as `dependencies.platform`, which wins where both are there.'),
  registry: said(registry, 'The same as `dependencies.registry`, which wins where both are there.'),
})

export type WorkspaceYaml = z.infer<typeof workspaceSchema>
export type RegistryYaml = NonNullable<WorkspaceYaml['registry']>
export type OciYaml = z.infer<typeof oci>

/** The list of each kind. */
export const moduleLists = { provider: 'providers', taskserv: 'taskservs', cluster: 'clusters' } as const
