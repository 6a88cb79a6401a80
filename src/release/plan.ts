import { mapConcurrent } from '../core/concurrent.ts'
import { badInput, refused, SlipwayError } from '../core/error.ts'
import { type Finding, sortFindings } from '../core/finding.ts'
import { type CheckedPackage, checkPackage } from '../extension/check.ts'
import { type Discovery, discover, findPackage, type Package } from '../extension/discover.ts'
import { type GitTag, parseGitTag } from '../extension/git-tag.ts'
import { type Kind, type Layouts, registryTagOf, repositoryOf } from '../extension/kinds.ts'
import type { Tag } from '../oci/reference.ts'
import { subtree } from '../tree/subtree.ts'
import type { Tree } from '../tree/tree.ts'
import { snapshotVersion } from './snapshot.ts'
import type { Source, Sources } from './sources.ts'

/** Which packages, from which bytes. */
export interface SelectOptions {
  /** Absolute path of the extension repository (`-C`). */
  readonly directory: string
  readonly layouts: Layouts
  /** Full git tags; with `snapshot` also `taskservs/kubernetes` without a version. */
  readonly gitTags: readonly string[]
  /** Build the current commit under a snapshot version. */
  readonly snapshot: boolean
  readonly allowDirty: boolean
  /** On a tag-push event the git tag must exist; elsewhere the working tree may stand in. */
  readonly requireGitTag: boolean
}

/** One package that is ready to be tested, packed and published. */
export interface PlannedRelease {
  readonly kind: Kind
  readonly name: string
  /** Without a leading v. */
  readonly version: string
  /** Undefined for a snapshot. */
  readonly gitTag?: string
  /** Relative to the extension repository; empty for the repository itself. */
  readonly folder: string
  readonly tree: Tree
  /** The parsed manifest.yaml with the version that is released; undefined for a plain folder. */
  readonly manifest?: Readonly<Record<string, unknown>>
  /** Below a target's prefix. */
  readonly repository: string
  /** Tag in the registry. */
  readonly tag: Tag
}

export interface Plan {
  readonly releases: readonly PlannedRelease[]
  /** Warnings and notices. */
  readonly findings: readonly Finding[]
}

interface Checked {
  readonly wanted: GitTag
  readonly source: Source
  readonly package: Package
  readonly checked: CheckedPackage
}

/**
 * Finds and checks every package that is asked for, all before the first byte is written: tags, folders,
 * manifests and structure first, then whether the bytes belong to a commit.
 * @throws GIT_TAG_INVALID, EXTENSION_NOT_FOUND, PACKAGE_COLLISION, FINDINGS (all of them at once), FOLDER_DIRTY
 */
export async function plan(options: SelectOptions, sources: Sources): Promise<Plan> {
  const { layouts, snapshot } = options
  if (options.gitTags.length === 0)
    throw badInput('GIT_TAG_MISSING', 'Nothing says what to release', {
      hint: 'Name a git tag, such as taskservs/kubernetes/v1.28.0.',
    })
  const tags = options.gitTags.map((text) => {
    const tag = parseGitTag(
      snapshot && !/(^|\/)v\d+\.\d+\.\d+[^/]*$/.test(text) ? `${text}/v0.0.0` : text,
      layouts,
    )
    refuseUnsupported(tag)
    return tag
  })
  const wanted = [...new Map(tags.map((one) => [one.tag, one])).values()]
  const discoveries = new Map<Tree, Promise<Discovery>>()
  const checked = await mapConcurrent(wanted, 16, async (one): Promise<Checked> => {
    const source = snapshot ? await sources.snapshot() : await sources.of(one.tag, options.requireGitTag)
    let discovery = discoveries.get(source.tree)
    if (discovery === undefined) {
      discovery = discover(source.tree, layouts)
      discoveries.set(source.tree, discovery)
    }
    const found = await locate(await discovery, one, source.tree, layouts)
    const expected = snapshot ? {} : { version: one.version, gitTag: one.tag }
    const folder = subtree(source.tree, found.folder)
    return { wanted: one, source, package: found, checked: await checkPackage(folder, found, expected) }
  })
  const findings = sortFindings(checked.flatMap((one) => one.checked.findings))
  refuseErrors(findings)
  const releases: PlannedRelease[] = []
  for (const one of checked) {
    const { folder } = one.package
    const changes = one.source.working ? await sources.changes(folder) : []
    if (changes.length > 0 && !options.allowDirty) throw dirty(folder, changes)
    const release = released(one, options)
    // No commit has these bytes, so none may be named as theirs.
    releases.push(changes.length === 0 ? release : { ...release, tree: uncommitted(release.tree) })
  }
  refuseTwins(releases)
  return { releases, findings }
}

function dirty(folder: string, changes: readonly string[]): SlipwayError {
  const more = changes.length > 5 ? ` and ${changes.length - 5} more` : ''
  const listed = `${changes.slice(0, 5).join(', ')}${more}`
  return refused(
    'FOLDER_DIRTY',
    `${folder === '' ? 'The repository' : folder} has uncommitted changes: ${listed}`,
    {
      hint: 'Commit them, or use --allow-dirty to release bytes that no commit has.',
    },
  )
}

function uncommitted({ commit: _, time: __, ...tree }: Tree): Tree {
  return tree
}

/** Kinds that other commands, or later versions, publish. */
function refuseUnsupported({ tag, kind, name }: GitTag): void {
  if (kind === 'platform')
    throw badInput('PLATFORM_IS_PREBUILT', `${tag} is a platform service: its image is built elsewhere`, {
      hint: `Publish the built image: slipway publish --from layout:DIR oci://HOST/PREFIX/${name}:v….`,
    })
  if (kind === 'kcl')
    throw badInput('KCL_UNSUPPORTED', `${tag} is a KCL package, which this version does not publish`, {
      hint: 'Publish it with kpm for now.',
    })
}

async function locate(found: Discovery, wanted: GitTag, tree: Tree, layouts: Layouts): Promise<Package> {
  const { kind, name } = wanted
  const { folder } = layouts[kind]
  // The core may be a plain folder: nothing but its place says what it is.
  const plain = kind === 'core' && !found.packages.some((one) => one.kind === kind)
  if (!plain) return findPackage(found, layouts, wanted)
  for await (const file of tree.files())
    if (folder === '' || file.path.startsWith(`${folder}/`)) return { kind, name, folder }
  throw badInput('EXTENSION_NOT_FOUND', `There is no folder ${folder} for ${name} in ${tree.name}`, {
    hint: 'kinds.core.folder in slipway.yaml names the folder that is packed.',
  })
}

/** @throws FINDINGS with every finding of the run */
function refuseErrors(findings: readonly Finding[]): void {
  const errors = findings.filter((one) => one.level === 'error').length
  if (errors === 0) return
  throw new SlipwayError(
    'FINDINGS',
    `${errors === 1 ? 'One error' : `${errors} errors`} in the files; nothing was written`,
    {
      exit: 2,
      findings,
      hint: 'Each stands above with its place.',
    },
  )
}

/** One run releases one package into a repository, and one version under a tag. */
function refuseTwins(releases: readonly PlannedRelease[]): void {
  const packages = new Map<string, PlannedRelease>()
  const tags = new Map<string, PlannedRelease>()
  for (const one of releases) {
    const address = `${one.repository}:${one.tag}`
    const other = packages.get(one.repository)
    const differs = other !== undefined && (other.kind !== one.kind || other.name !== one.name)
    const twin = differs ? other : tags.get(address)
    if (twin !== undefined)
      throw badInput(
        'PACKAGE_COLLISION',
        `${label(twin)} and ${label(one)} both claim ${differs ? `the repository ${one.repository}` : address}`,
        { hint: 'Release one of them.' },
      )
    packages.set(one.repository, one)
    tags.set(address, one)
  }
}

function label({ kind, folder, name, gitTag }: PlannedRelease): string {
  return `${kind} ${folder === '' ? name : folder}${gitTag === undefined ? '' : ` (${gitTag})`}`
}

function released(
  { wanted, source, package: found, checked }: Checked,
  options: SelectOptions,
): PlannedRelease {
  const { layouts, snapshot } = options
  const { kind, name } = wanted
  const version =
    snapshot && source.commit !== undefined
      ? snapshotVersion(checked.manifest?.version, source.commit)
      : wanted.version
  const tree = subtree(source.tree, found.folder)
  return {
    kind,
    name,
    version: version.version,
    ...(snapshot ? {} : { gitTag: wanted.tag }),
    folder: found.folder,
    tree,
    ...(checked.document === undefined
      ? {}
      : { manifest: { ...checked.document, version: version.version } }),
    repository: repositoryOf(layouts, kind, name),
    tag: registryTagOf(layouts, kind, version),
  }
}
