import * as z from 'zod/mini'
import type { Finding, Place } from '../core/finding.ts'
import { rangeOf } from '../version/range.ts'
import { versionPattern } from '../version/version.ts'
import { extensionKinds } from './kinds.ts'
import { longestName, nameForm, namePattern } from './name.ts'
import { checkSchema } from './schema-findings.ts'
import { type Path, readYaml } from './yaml.ts'

/** Entries of `dependencies`; each may cost a question to a registry. */
export const mostDependencies = 1000

/** Entries of `retracted`; every version that is looked at is held against each. */
const mostRetracted = 100

/** Kinds whose folder holds a `manifest.yaml`. */
export const manifestTypes = [...extensionKinds, 'core'] as const

/** Escape sequences in a terminal and line breaks in an annotation have no place in these texts. */
const line = (longest: number) =>
  z
    .string()
    .check(
      z.minLength(1),
      z.maxLength(longest),
      z.regex(/^[^\x00-\x1f\x7f-\x9f]*$/, 'must be one line without control characters'),
    )

const text = (longest: number) =>
  z
    .string()
    .check(
      z.minLength(1),
      z.maxLength(longest),
      z.regex(/^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$/, 'must have no control characters'),
    )

const name = z.string().check(z.regex(namePattern, `is not a name: ${nameForm}`), z.maxLength(longestName))

const version = z.string().check(z.regex(versionPattern, 'is not a full semantic version'), z.maxLength(127))

const range = line(256).check(z.refine((value) => rangeOf(value) !== undefined, 'is not a version range'))

/** A password in a published manifest would be public. */
const url = (pattern: RegExp, example: string) =>
  line(1000)
    .check(z.regex(pattern, 'is not a URL without a password'))
    .register(z.globalRegistry, { examples: [example] })

/** `manifest.yaml`. Unknown keys are kept in the artifact and only warned about. */
export const manifestSchema = z.object({
  name: name.register(z.globalRegistry, {
    description: "The package's name: its folder's name, and the last part of its repository.",
    examples: ['kubernetes'],
  }),
  type: z.enum(manifestTypes).register(z.globalRegistry, {
    description: 'The kind of package; agrees with the folder it lies in.',
    examples: ['taskserv'],
  }),
  version: version.register(z.globalRegistry, {
    description: 'Full semantic version without build metadata; agrees with the git tag.',
    examples: ['1.28.0'],
  }),
  description: z.optional(
    text(4096).register(z.globalRegistry, { description: 'What it installs, in a sentence.' }),
  ),
  author: z.optional(
    line(256).register(z.globalRegistry, {
      description: 'Who answers for it.',
      examples: ['Platform Team <platform@example.org>'],
    }),
  ),
  license: z.optional(
    line(256)
      .check(z.regex(/^[A-Za-z0-9.+:() -]+$/, 'is not an SPDX license expression'))
      .register(z.globalRegistry, {
        description: 'SPDX license expression.',
        examples: ['Apache-2.0', 'MIT OR Apache-2.0'],
      }),
  ),
  homepage: z.optional(
    url(/^https?:\/\/[^\s/@]+(\/\S*)?$/, 'https://kubernetes.io').register(z.globalRegistry, {
      description: 'Where to read more: http or https, without user or password.',
      examples: ['https://kubernetes.io'],
    }),
  ),
  repository: z.optional(
    url(
      /^(https?:\/\/[^\s/@]+(\/\S*)?|(git\+)?ssh:\/\/([^\s/@:]+@)?[^\s/@]+\/\S*|git@[^\s/@:]+:\S+)$/,
      'https://github.com/example-org/provisioning-extensions',
    ).register(z.globalRegistry, {
      description: 'Where the source lives: http, https or ssh, without a password.',
      examples: ['https://github.com/example-org/provisioning-extensions'],
    }),
  ),
  dependencies: z.optional(
    z
      .record(name, range.register(z.globalRegistry, { examples: ['^1.28.0'] }))
      .check(
        z.refine(
          (all) => Object.keys(all).length <= mostDependencies,
          `must have at most ${mostDependencies} entries`,
        ),
      )
      .register(z.globalRegistry, {
        description: 'Extensions it needs: name to version range, as node-semver writes ranges.',
        examples: [{ containerd: '>=1.7.0 <2.0.0' }],
      }),
  ),
  tags: z.optional(
    z
      .array(line(64))
      .check(z.maxLength(50))
      .register(z.globalRegistry, {
        description: 'Words to find it by.',
        examples: [['kubernetes', 'orchestration']],
      }),
  ),
  platforms: z.optional(
    z
      .array(
        z
          .string()
          .check(z.regex(/^[a-z0-9]+\/[a-z0-9_]+(\/[a-z0-9.]+)?$/, 'is not a platform'), z.maxLength(64))
          .register(z.globalRegistry, { examples: ['linux/amd64'] }),
      )
      .check(z.maxLength(50))
      .register(z.globalRegistry, {
        description: 'Where it runs, as os/architecture[/variant].',
        examples: [['linux/amd64', 'linux/arm64']],
      }),
  ),
  min_provisioning_version: z.optional(
    z
      .string()
      .check(z.regex(versionPattern, 'is not a full semantic version'), z.maxLength(127))
      .register(z.globalRegistry, {
        description: 'The oldest version of the provisioning core it works with.',
        examples: ['3.5.0'],
      }),
  ),
  retracted: z.optional(
    z
      .record(range, line(256))
      .check(
        z.refine(
          (all) => Object.keys(all).length <= mostRetracted,
          `must have at most ${mostRetracted} entries`,
        ),
      )
      .register(z.globalRegistry, {
        description: 'Versions of this package that should not be chosen any more: version range to reason.',
        examples: [{ '<=1.28.1': 'installs without its certificates' }],
      }),
  ),
  schema: z.optional(
    z
      .string()
      .check(
        z.regex(/^(?!\.{1,2}(\/|$))[\w.-]+(\/(?!\.{1,2}(\/|$))[\w.-]+)*$/, 'is not a path inside the folder'),
        z.maxLength(256),
      )
      .register(z.globalRegistry, {
        description: 'The directory of its configuration schema where that is not kcl/.',
        examples: ['schemas/nickel'],
      }),
  ),
  publish_kcl: z.optional(
    z.boolean().register(z.globalRegistry, {
      description:
        'Whether releasing it also publishes its kcl/ folder, as the KCL package whose name and version stand in kcl/kcl.mod.',
      examples: [true],
    }),
  ),
})

export type ExtensionManifest = z.infer<typeof manifestSchema>

export interface ReadManifest {
  /** Undefined where a finding of level error says why. */
  readonly manifest: ExtensionManifest | undefined
  /** The whole file as plain JSON, unknown keys included; undefined where the YAML itself is refused. */
  readonly document: Record<string, unknown> | undefined
  readonly findings: readonly Finding[]
  positions(path: Path, part?: 'key' | 'value'): Place
}

/**
 * Reads a `manifest.yaml`; never throws for what stands in it.
 * @param file the name for findings
 */
export function readManifest(content: string | Uint8Array, file: string): ReadManifest {
  const yaml = readYaml(content, file)
  const { value, findings } = checkSchema(manifestSchema, yaml, 'MANIFEST', 'warning')
  const document = isMapping(yaml.value) ? yaml.value : undefined
  const own = document === undefined ? [] : advice(document, yaml.at)
  const all = [...findings, ...own]
  return {
    manifest: all.some((finding) => finding.level === 'error') ? undefined : value,
    document,
    findings: all,
    positions: yaml.at,
  }
}

function advice(document: Record<string, unknown>, at: (path: Path, part?: 'key') => Place): Finding[] {
  const found: Finding[] = []
  for (const key of ['description', 'license'])
    if (!Object.hasOwn(document, key))
      found.push({
        code: 'MANIFEST_KEY_RECOMMENDED',
        level: 'warning',
        message: `${key} is missing; it tells users of the registry what they get`,
        place: at([]),
      })
  const { name, dependencies } = document
  if (typeof name === 'string' && isMapping(dependencies) && Object.hasOwn(dependencies, name))
    found.push({
      code: 'MANIFEST_DEPENDENCY_SELF',
      level: 'error',
      message: `${JSON.stringify(name.slice(0, 100))} depends on itself`,
      place: at(['dependencies', name], 'key'),
      hint: 'Remove it from dependencies.',
    })
  return found
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
