import type { Finding, Place } from '../core/finding.ts'
import { sortFindings } from '../core/finding.ts'
import { readBytes } from '../tree/text.ts'
import type { Tree } from '../tree/tree.ts'
import type { Version } from '../version/version.ts'
import { fileIn, type Package } from './discover.ts'
import { isExtensionKind } from './kinds.ts'
import { type ExtensionManifest, type ReadManifest, readManifest } from './manifest.ts'
import { checkStructure } from './structure.ts'
import { largestYaml, type Path } from './yaml.ts'

/** What a folder turned out to be. */
export interface CheckedPackage {
  readonly package: Package
  /** Undefined where a finding of level error says why, and for packages without: the core may be a plain folder. */
  readonly manifest: ExtensionManifest | undefined
  /** The manifest as plain JSON, unknown keys included. */
  readonly document: Readonly<Record<string, unknown>> | undefined
  /** Everything at once, by place. */
  readonly findings: readonly Finding[]
  /** Where a value of the manifest (or its key) stands. */
  positions(path: Path, part?: 'key' | 'value'): Place
}

/** What the manifest has to agree with, beside the folder's place. */
export interface Expected {
  /** The git tag's version; undefined where nothing is released yet. */
  readonly version?: Version | undefined
  /** The git tag, for messages. */
  readonly gitTag?: string | undefined
}

/**
 * Checks a package: its manifest, its structure, and that folder, manifest and git tag tell one story.
 * Never throws for what stands in the files.
 * @param tree the package's own folder
 */
export async function checkPackage(
  tree: Tree,
  one: Package,
  expected: Expected = {},
): Promise<CheckedPackage> {
  const file = fileIn(one, 'manifest.yaml')
  const plain = one.kind === 'core' && (await tree.file('manifest.yaml')) === undefined
  if (plain || !(isExtensionKind(one.kind) || one.kind === 'core'))
    return {
      package: one,
      manifest: undefined,
      document: undefined,
      findings: [],
      positions: () => ({ file }),
    }
  const read = await readFrom(tree, file)
  const findings = [...read.findings, ...disagreements(read, one, expected)]
  const schema = read.manifest?.schema
  if (isExtensionKind(one.kind))
    findings.push(
      ...(await checkStructure(tree, {
        manifest: { file },
        ...(schema === undefined ? {} : { schema: { folder: schema, place: read.positions(['schema']) } }),
      })),
    )
  const { manifest, document, positions } = read
  return { package: one, manifest, document, findings: sortFindings(findings), positions }
}

async function readFrom(tree: Tree, file: string): Promise<ReadManifest> {
  const entry = await tree.file('manifest.yaml')
  const refuse = (code: string, message: string, hint?: string): ReadManifest => ({
    manifest: undefined,
    document: undefined,
    findings: [{ code, level: 'error', message, place: { file }, ...(hint === undefined ? {} : { hint }) }],
    positions: () => ({ file }),
  })
  if (entry === undefined)
    return refuse('MANIFEST_MISSING', 'manifest.yaml is missing', 'Start with name, type and version.')
  if (entry.link !== undefined)
    return refuse('MANIFEST_LINK', 'manifest.yaml is a symbolic link', 'Put the file itself here.')
  if (entry.size > largestYaml)
    return refuse('YAML_TOO_LARGE', `The file has ${entry.size} bytes; at most ${largestYaml} are read`)
  return readManifest(await readBytes(entry, tree.name, largestYaml), file)
}

/** Compares what stands there even when other keys are wrong, so that all is told at once. */
function disagreements(read: ReadManifest, one: Package, expected: Expected): Finding[] {
  const { name, type, version } = read.document ?? {}
  const found: Finding[] = []
  const add = (key: string, message: string, hint: string): void => {
    const place: Place = read.positions([key])
    found.push({ code: `MANIFEST_${key.toUpperCase()}_MISMATCH`, level: 'error', message, place, hint })
  }
  const shown = (value: string) => JSON.stringify(value.slice(0, 100))
  if (typeof name === 'string' && name !== one.name) {
    const source = one.folder === '' ? 'the package' : `the folder ${one.folder}`
    add(
      'name',
      `name is ${shown(name)}, but ${source} is for ${one.name}`,
      `Write name: ${one.name}, or rename it.`,
    )
  }
  if (typeof type === 'string' && type !== one.kind)
    add(
      'type',
      `type is ${shown(type)}, but ${one.folder === '' ? 'the repository' : one.folder} is the place of a ${one.kind}`,
      `Write type: ${one.kind}, or move the folder.`,
    )
  const wanted = expected.version?.version
  if (wanted !== undefined && typeof version === 'string' && version !== wanted) {
    const source = expected.gitTag === undefined ? 'the release' : `the git tag ${expected.gitTag}`
    add(
      'version',
      `version is ${shown(version)}, but ${source} says ${wanted}`,
      `Write version: ${wanted}, or tag anew.`,
    )
  }
  return found
}
