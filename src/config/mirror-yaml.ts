import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import * as z from 'zod/mini'
import { badInput, messageOf } from '../core/error.ts'
import type { Finding } from '../core/finding.ts'
import { checkSchema } from '../extension/schema-findings.ts'
import { readYaml } from '../extension/yaml.ts'
import { isLiteral, patternOf } from '../mirroring/pattern.ts'
import type { MirrorRule } from '../mirroring/rule.ts'
import { parsePlatform } from '../oci/platform.ts'
import { isRepository } from '../oci/reference.ts'
import { located, parseTarget } from '../store/address.ts'
import { rangeOf } from '../version/range.ts'
import { isTarget, said } from './schema-parts.ts'

const stated = <S extends z.core.$ZodType>(schema: S, description: string, ...examples: unknown[]) => {
  z.globalRegistry.add(schema, { description, ...(examples.length > 0 ? { examples } : {}) })
  return schema
}

const text = (limit: number, holds: (value: string) => boolean, message: string) =>
  z.string().check(z.minLength(1), z.maxLength(limit), z.refine(holds, message))

const target = text(1000, isTarget, 'is not oci://HOST[:PORT]/PREFIX, layout:DIR or archive:FILE')
const pattern = text(200, (value) => patternOf(value) !== undefined, 'is not a regular expression')
const repository = text(
  255,
  (value) => (isLiteral(value) ? isRepository(value) : patternOf(value) !== undefined),
  'is neither a repository nor a glob',
)
const patterns = z.array(pattern).check(z.minLength(1), z.maxLength(100))

const tags = z.strictObject({
  semver: said(
    text(256, (value) => rangeOf(value) !== undefined, 'is not a version range'),
    'Only tags that are full versions, with or without a v, of this range.',
    '>=1.28.0',
  ),
  match: said(patterns, 'Only tags that one of these globs or /regular expressions/ matches.', [
    '1.*',
    'latest',
  ]),
  exclude: said(patterns, 'No tag that one of these globs or /regular expressions/ matches.', ['*-debug']),
  newest: said(
    z.int().check(z.gte(1), z.lte(10_000)),
    'Only so many of the highest versions; prereleases are counted apart.',
    5,
  ),
  prereleases: said(
    z.boolean(),
    'Whether semver and newest also take prereleases. Default: only those that a range names.',
    true,
  ),
})

const mirror = z.strictObject({
  name: said(
    z.string().check(z.regex(/^[\w.-]{1,100}$/, 'must be of letters, digits, ".", "_" and "-"')),
    'How reports call it. Default: mirror 1, mirror 2, …',
    'production',
  ),
  from: stated(target, 'Where it comes from.', 'oci://ghcr.io/example-org/provisioning-extensions'),
  to: stated(z.array(target).check(z.minLength(1), z.maxLength(20)), 'Where it goes.', [
    'oci://registry.example.org/mirror',
  ]),
  repositories: said(
    z.array(repository).check(z.minLength(1), z.maxLength(10_000)),
    'Names and globs, below the prefix of from. Globs need a registry that lists its repositories. Default: all.',
    ['kubernetes', 'provisioning-*/**'],
  ),
  rename: said(
    text(255, isTemplate, 'is not a repository with {repository} or {name}'),
    'The repository below the prefix of to. {name} is the last part. Default: {repository}.',
    'mirror/{name}',
  ),
  tags: said(tags, 'Which tags; every filter that is given must hold. Default: all.'),
  platforms: said(
    z
      .array(text(100, succeeds(parsePlatform), 'is not os/architecture[/variant]'))
      .check(z.minLength(1), z.maxLength(50)),
    'Only these platforms of an index. That makes a new index, which signatures of the old one do not cover.',
    ['linux/amd64'],
  ),
  referrers: said(
    z.union([z.boolean(), z.array(z.string().check(z.minLength(1), z.maxLength(200))).check(z.minLength(1))]),
    'Whether signatures, SBOMs and whatever else refers to a manifest come along, or only these artifactTypes. Default: true.',
    true,
  ),
  withDependencies: said(
    z.boolean(),
    'Whether what the selected versions need comes along: for each of them the one solution of its dependencies.',
    true,
  ),
  lockfiles: said(
    z
      .array(text(1000, (value) => !value.includes('\0'), 'holds a NUL'))
      .check(z.minLength(1), z.maxLength(100)),
    'Locks whose packages come along, with exactly the digests that are locked.',
    ['slipway.lock'],
  ),
})

/** `mirror.yaml`: an unknown key is an error, since it would change nothing where somebody meant a change. */
export const mirrorSchema = z.strictObject({
  version: stated(z.literal(1), 'The version of this format.', 1),
  mirrors: stated(z.array(mirror).check(z.minLength(1), z.maxLength(200)), 'What goes where.'),
})

/**
 * Reads the rules of a `mirror.yaml`; relative paths in it start from its folder.
 * @throws CONFIGURATION_INVALID with every finding
 */
export function readMirrorYaml(content: string | Uint8Array, name: string, folder: string): MirrorRule[] {
  const yaml = readYaml(content, name)
  const { value, findings } = checkSchema(mirrorSchema, yaml, 'CONFIGURATION', 'error')
  if (value === undefined) throw invalid(name, findings)
  const known = new Map<string, number>()
  const rules = value.mirrors.map((one, at): MirrorRule => {
    const place = (address: string) => located(parseTarget(address), folder)
    if (one.name !== undefined) {
      const before = known.get(one.name)
      if (before !== undefined)
        throw invalid(name, [
          {
            code: 'CONFIGURATION_VALUE_INVALID',
            level: 'error',
            message: `mirrors[${at}].name is that of mirrors[${before}]`,
            place: yaml.at(['mirrors', at, 'name']),
            hint: 'Give each mirror a name of its own.',
          },
        ])
      known.set(one.name, at)
    }
    return {
      name: one.name ?? `mirror ${at + 1}`,
      from: place(one.from),
      to: one.to.map(place),
      repositories: one.repositories ?? ['**'],
      ...(one.rename === undefined ? {} : { rename: one.rename }),
      tags: filterOf(one.tags ?? {}),
      ...(one.platforms === undefined ? {} : { platforms: one.platforms }),
      referrers: one.referrers ?? true,
      withDependencies: one.withDependencies ?? false,
      lockfiles: (one.lockfiles ?? []).map((path) => resolve(folder, path)),
    }
  })
  return rules
}

/**
 * Reads a `mirror.yaml`.
 * @param path absolute
 * @throws CONFIGURATION_INVALID, CONFIGURATION_UNREADABLE
 */
export function loadMirrorYaml(path: string): MirrorRule[] {
  let content: Uint8Array
  try {
    content = readFileSync(path)
  } catch (cause) {
    throw badInput('CONFIGURATION_UNREADABLE', `${path} cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'Name the file with --file.',
    })
  }
  return readMirrorYaml(content, basename(path), resolve(dirname(path)))
}

function filterOf({ semver, match, exclude, newest, prereleases }: z.infer<typeof tags>): MirrorRule['tags'] {
  return {
    ...(semver === undefined ? {} : { semver }),
    ...(match === undefined ? {} : { match }),
    ...(exclude === undefined ? {} : { exclude }),
    ...(newest === undefined ? {} : { newest }),
    ...(prereleases === undefined ? {} : { prereleases }),
  }
}

/** Two repositories must not become one because the template forgets which it was. */
function isTemplate(value: string): boolean {
  return /\{(?:repository|name)\}/.test(value) && isRepository(value.replace(/\{(?:repository|name)\}/g, 'x'))
}

function succeeds(parse: (text: string) => unknown): (text: string) => boolean {
  return (value) => {
    try {
      parse(value)
      return true
    } catch {
      return false
    }
  }
}

function invalid(name: string, findings: readonly Finding[]) {
  const count = findings.length === 1 ? 'an error' : `${findings.length} errors`
  return badInput('CONFIGURATION_INVALID', `${name} has ${count}`, { findings })
}
