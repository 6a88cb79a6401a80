import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as z from 'zod/mini'
import { badInput, messageOf } from '../core/error.ts'
import type { Finding } from '../core/finding.ts'
import { checkSchema } from '../extension/schema-findings.ts'
import { readYaml } from '../extension/yaml.ts'
import { tagPattern } from '../retention/pattern.ts'
import type { Caps } from '../retention/plan.ts'
import { defaultPolicies, type Policy, type Rules } from '../retention/policy.ts'
import { isTarget, said } from './schema-parts.ts'

const units = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const

/** Hours, days or weeks: a bare number would be taken for either. */
const age = z.string().check(z.regex(/^[1-9]\d{0,4}[hdw]$/, 'is not a time such as 24h, 90d or 12w'))
const count = z.int().check(z.gte(1), z.lte(100_000))
const line = z
  .string()
  .check(z.minLength(1), z.maxLength(500), z.regex(/^[^\x00-\x1f\x7f-\x9f]*$/, 'must be one line'))
// A space at either end, or an exclamation mark that means "not" elsewhere, is a pattern that protects nothing.
const pattern = line.check(
  z.refine(
    (text) => text === text.trim() && !text.startsWith('!'),
    'is not a pattern: it begins with ! or a space, or ends with one',
  ),
  z.refine((text) => tagPattern(text) !== undefined, 'is not a regular expression'),
)
const glob = z
  .string()
  .check(
    z.maxLength(300),
    z.regex(/^[a-z0-9*?._-]+(\/[a-z0-9*?._-]+)*$/, 'is not a repository with * and **'),
  )

const rules = z
  .strictObject({
    newest: said(
      z.union([
        count,
        z.strictObject({
          count: count.register(z.globalRegistry, { description: 'How many.', examples: [10] }),
          by: said(
            z.enum(['version', 'date']),
            'By semantic version (default), or by when they were pushed.',
            'date',
          ),
        }),
      ]),
      'So many of the newest; several tags of one manifest count once.',
      10,
    ),
    perMinor: said(count, 'So many of the newest of each minor version.', 2),
    perMajor: said(count, 'So many of the newest of each major version.', 3),
    youngerThan: said(age, 'What was pushed within this time; an unknown age is kept.', '90d'),
    pulledWithin: said(age, 'What was pulled within this time, where the registry tells.', '30d'),
    tags: said(
      z.array(pattern).check(z.minLength(1), z.maxLength(200)),
      'Tags by glob, or by regular expression between slashes. One that matches nothing is an error.',
      ['lts-*'],
    ),
  })
  .check(
    z.refine(
      (one) => Object.values(one).some((value) => value !== undefined),
      'names no rule: everything would go',
    ),
  )

const policy = z.strictObject({
  name: line.register(z.globalRegistry, { description: 'As plans call it.', examples: ['extensions'] }),
  repositories: z
    .array(glob)
    .check(z.minLength(1), z.maxLength(200))
    .register(z.globalRegistry, {
      description: 'Repositories and namespaces, by their full path; * within a part, ** for any parts.',
      examples: [['example-org/provisioning-extensions']],
    }),
  keep: rules.register(z.globalRegistry, { description: 'What stays: all that any of these rules names.' }),
  prereleases: said(rules, 'The same for prereleases, which are counted apart. Default: as keep.'),
  otherTags: said(
    z.enum(['keep', 'rules']),
    'Tags that are no versions: kept (default), or held against the rules of age and pattern, too.',
    'rules',
  ),
  untagged: said(
    z.enum(['keep', 'delete']),
    'What has no tag, once it is older than the grace. Default: delete.',
    'keep',
  ),
})

/** `retention.yaml`: an unknown key is an error, since it might have been meant to keep something. */
export const retentionSchema = z.strictObject({
  version: z
    .literal(1)
    .register(z.globalRegistry, { description: 'The version of this format.', examples: [1] }),
  source: said(
    z.string().check(z.maxLength(1000), z.refine(isTarget, 'is not oci://HOST[:PORT]/PREFIX')),
    'What is cleaned up, unless --source says otherwise.',
    'oci://ghcr.io/example-org',
  ),
  repositories: said(
    z.array(glob.check(z.regex(/^[^*?]+$/, 'is a pattern'))).check(z.minLength(1), z.maxLength(10_000)),
    'Repositories below the source, for registries without a catalog. Default: all that the registry lists.',
    ['provisioning-extensions/kubernetes'],
  ),
  policies: said(
    z.array(policy).check(z.maxLength(200)),
    'The first that covers a repository holds; what none covers is left alone.',
  ),
  defaults: said(z.boolean(), 'Whether the built-in policies follow the own ones. Default: true.', false),
  lockfiles: said(
    z.array(line).check(z.minLength(1), z.maxLength(1000)),
    'Lock files whose packages stay; relative to this file.',
    ['slipway.lock'],
  ),
  grace: said(age, 'Nothing untagged or just pushed goes before it is this old. Default: 24h.', '48h'),
  caps: said(
    z.strictObject({
      deletions: said(
        z.int().check(z.gte(0), z.lte(1_000_000)),
        'Most manifests in one run. Default: 500.',
        100,
      ),
      share: said(
        z.number().check(z.gte(0), z.lte(100)),
        "Most percent of a repository's tags. Default: 50.",
        20,
      ),
    }),
    'A plan beyond these is not carried out.',
  ),
  state: said(
    line,
    'File of first sightings, for registries that do not tell when something was pushed; relative to this file.',
    '.retention-state.json',
  ),
})

/** What `retention.yaml` says, as planning takes it. */
export interface Retention {
  /** The folder that relative paths in it start from. */
  readonly folder: string
  readonly source?: string
  readonly repositories?: readonly string[]
  readonly policies: readonly Policy[]
  readonly lockfiles: readonly string[]
  /** Milliseconds. */
  readonly grace: number
  readonly caps: Caps
  readonly state?: string
}

/** @throws RETENTION_INVALID with every finding */
export function readRetentionYaml(content: string | Uint8Array, name: string, folder: string): Retention {
  const { value, findings } = checkSchema(retentionSchema, readYaml(content, name), 'RETENTION', 'error')
  if (value === undefined) throw invalid(name, findings)
  const own = (value.policies ?? []).map((one): Policy => {
    const { name: called, repositories, keep, prereleases, otherTags = 'keep', untagged = 'delete' } = one
    return {
      name: called,
      repositories,
      keep: rulesOf(keep),
      otherTags,
      untagged,
      ...(prereleases === undefined ? {} : { prereleases: rulesOf(prereleases) }),
    }
  })
  const { source, repositories, state } = value
  return {
    folder,
    policies: [...own, ...(value.defaults === false ? [] : defaultPolicies)],
    lockfiles: value.lockfiles ?? [],
    grace: milliseconds(value.grace ?? '24h'),
    caps: { deletions: value.caps?.deletions ?? 500, share: value.caps?.share ?? 50 },
    ...(source === undefined ? {} : { source }),
    ...(repositories === undefined ? {} : { repositories }),
    ...(state === undefined ? {} : { state }),
  }
}

/** @throws RETENTION_INVALID, RETENTION_UNREADABLE */
export async function loadRetentionYaml(path: string, name: string): Promise<Retention> {
  let content: Uint8Array
  try {
    content = await readFile(path)
  } catch (cause) {
    throw badInput('RETENTION_UNREADABLE', `${name} cannot be read: ${messageOf(cause)}`, {
      hint: 'Name the file with -f; docs/cleanup.md has one to start from.',
      cause,
    })
  }
  return readRetentionYaml(content, name, dirname(path))
}

function rulesOf({
  newest,
  youngerThan,
  pulledWithin,
  perMinor,
  perMajor,
  tags,
}: z.infer<typeof rules>): Rules {
  return {
    ...(newest === undefined
      ? {}
      : {
          newest:
            typeof newest === 'number'
              ? { count: newest, by: 'version' }
              : { count: newest.count, by: newest.by ?? 'version' },
        }),
    ...(perMinor === undefined ? {} : { perMinor }),
    ...(perMajor === undefined ? {} : { perMajor }),
    ...(youngerThan === undefined ? {} : { youngerThan: milliseconds(youngerThan) }),
    ...(pulledWithin === undefined ? {} : { pulledWithin: milliseconds(pulledWithin) }),
    ...(tags === undefined ? {} : { tags }),
  }
}

function milliseconds(text: string): number {
  return Number(text.slice(0, -1)) * units[text.slice(-1) as keyof typeof units]
}

function invalid(name: string, findings: readonly Finding[]) {
  const counted = findings.length === 1 ? 'an error' : `${findings.length} errors`
  return badInput('RETENTION_INVALID', `${name} has ${counted}`, { findings })
}
