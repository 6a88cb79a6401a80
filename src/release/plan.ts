import { mapConcurrent } from '../core/concurrent.ts'
import { badInput, refused, SlipwayError } from '../core/error.ts'
import { type Finding, showPlace, sortFindings } from '../core/finding.ts'
import { type CheckedPackage, checkPackage } from '../extension/check.ts'
import { type Discovery, discover, findPackage, type Package } from '../extension/discover.ts'
import { type GitTag, parseGitTag } from '../extension/git-tag.ts'
import { type Kind, type Layouts, registryTagOf, repositoryOf } from '../extension/kinds.ts'
import type { NamedKclMod } from '../kcl/check.ts'
import type { Tag } from '../oci/reference.ts'
import { listed } from '../tree/listed.ts'
import { subtree } from '../tree/subtree.ts'
import type { Tree } from '../tree/tree.ts'
import { withKclMod } from './kcl-mods.ts'
import { leftOut, schemaOf } from './schema-package.ts'
import { snapshotVersion } from './snapshot.ts'
import type { Source, Sources } from './sources.ts'
import { refuseTwins } from './twins.ts'

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

/** A git tag that cannot be released. */
export interface FailedRelease {
  readonly wanted: GitTag
  readonly error: SlipwayError
}

export interface Plan {
  readonly releases: readonly PlannedRelease[]
  /** Warnings and notices; none with `apart`, since nobody can mend an old commit. */
  readonly findings: readonly Finding[]
  /** Empty unless `apart`. */
  readonly failed: readonly FailedRelease[]
}

export interface PlanOptions extends SelectOptions {
  /** Where there is no git tag, the bytes of the commit that is checked out, for folders that equal it. */
  readonly committed?: boolean
  /** Every git tag stands for itself: what is wrong with one does not stop the others. */
  readonly apart?: boolean
}

interface Checked {
  readonly wanted: GitTag
  /** Where its files come from; without the files, which are those of the whole repository. */
  readonly source: Omit<Source, 'tree'>
  /** The package's own folder. */
  readonly tree: Tree
  readonly package: Package
  readonly checked: CheckedPackage
  /** What is published as a KCL package: itself, or an extension's `kcl/`. */
  readonly kcl?: NamedKclMod | undefined
}

/**
 * Finds and checks every package that is asked for, all before the first byte is written: tags, folders,
 * manifests and structure first, then whether the bytes belong to a commit.
 * @throws GIT_TAG_INVALID, EXTENSION_NOT_FOUND, PACKAGE_COLLISION, FINDINGS (all of them at once), FOLDER_DIRTY
 */
export async function plan(options: PlanOptions, sources: Sources): Promise<Plan> {
  const { layouts, snapshot } = options
  const failed: FailedRelease[] = []
  if (options.gitTags.length === 0)
    throw badInput('GIT_TAG_MISSING', 'Nothing says what to release', {
      hint: 'Name a git tag, such as taskservs/kubernetes/v1.28.0; slipway release --all-changed takes whatever the targets lack.',
    })
  const tags = options.gitTags.map((text) => {
    const tag = parseGitTag(
      snapshot && !/(^|\/)v\d+\.\d+\.\d+[^/]*$/.test(text) ? `${text}/v0.0.0` : text,
      layouts,
    )
    refuseUnsupported(tag, snapshot)
    return tag
  })
  const wanted = [...new Map(tags.map((one) => [one.tag, one])).values()]
  const discoveries = new WeakMap<Tree, Promise<Discovery>>()
  const check = async (one: GitTag): Promise<Checked> => {
    const source = await sourceOf(one, options, sources)
    let discovery = discoveries.get(source.tree)
    if (discovery === undefined) {
      discovery = discover(source.tree, layouts)
      discoveries.set(source.tree, discovery)
    }
    const found = await locate(await discovery, one, source.tree, layouts)
    const expected = snapshot ? {} : { version: one.version, gitTag: one.tag }
    const folder = await cut(source.tree, found.folder, options)
    const read = await withKclMod(folder, await checkPackage(folder, found, expected), expected)
    const { commit, working } = source
    return {
      wanted: one,
      source: { commit, working },
      tree: folder,
      package: found,
      checked: read.checked,
      kcl: read.published,
    }
  }
  const checked = await mapConcurrent(wanted, 16, (one) => attempt(one, () => check(one)))
  const found = checked.filter((one) => one !== undefined)
  const told = found.flatMap((one) => [...one.checked.findings, ...(snapshot ? leftOut(one) : [])])
  const findings = options.apart === true ? [] : sortFindings(told)
  refuseErrors(findings)
  const releases: PlannedRelease[] = []
  for (const one of found) {
    const planned = await attempt(one.wanted, async () => {
      refuseInvalid(one)
      const release = await bytesOf(one, options, sources)
      refuseTwins(release, releases)
      const schema = await schemaOf(one, release, options, releases)
      return schema === undefined ? [release] : [schema, release]
    })
    releases.push(...(planned ?? []))
  }
  return { releases, findings, failed }

  async function attempt<T>(one: GitTag, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      // What is no fault of the input, such as a missing git object, is none of this one tag.
      if (options.apart !== true || !(error instanceof SlipwayError) || error.exit !== 2) throw error
      failed.push({ wanted: one, error })
      return undefined
    }
  }
}

async function sourceOf(one: GitTag, options: PlanOptions, sources: Sources): Promise<Source> {
  if (options.snapshot) return await sources.snapshot()
  if (options.committed === true) return (await sources.tagged(one.tag)) ?? (await sources.working())
  return await sources.of(one.tag, options.requireGitTag)
}

/** Of hundreds of commits only the packages' own folders stay in memory. */
async function cut(tree: Tree, folder: string, { apart }: PlanOptions): Promise<Tree> {
  const own = subtree(tree, folder)
  return apart === true ? await listed(own) : own
}

/** @throws FOLDER_DIRTY */
async function bytesOf(one: Checked, options: PlanOptions, sources: Sources): Promise<PlannedRelease> {
  const { folder } = one.package
  const release = released(one, options)
  if (!one.source.working) return release
  const changes = await sources.changes(folder)
  // No commit has these bytes, so none may be named as theirs.
  if (changes.length > 0) {
    if (!options.allowDirty) throw dirty(folder, changes)
    return { ...release, tree: uncommitted(release.tree) }
  }
  const head = options.committed === true ? await sources.head() : undefined
  return head === undefined ? release : { ...release, tree: subtree(head.tree, folder) }
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

/** Whether packages of a kind are built from a folder here; others are published otherwise. */
export function canRelease(kind: Kind): boolean {
  return kind !== 'platform'
}

/** What other commands publish, or nobody should. */
function refuseUnsupported({ tag, kind, name }: GitTag, snapshot: boolean): void {
  if (kind === 'platform')
    throw badInput('PLATFORM_IS_PREBUILT', `${tag} is a platform service: its image is built elsewhere`, {
      hint: `Publish the built image: slipway publish --from layout:DIR oci://HOST/PREFIX/${name}:v….`,
    })
  if (kind === 'kcl' && snapshot)
    throw badInput(
      'KCL_SNAPSHOT',
      `${name} is a KCL package: kpm would take a snapshot for its newest version`,
      {
        hint: 'Release a prerelease such as 1.2.0-rc.1 where one is meant.',
      },
    )
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

/** An old commit's files are not those of the checkout: what is wrong with them stands in the message alone. */
function refuseInvalid({ wanted, checked }: Checked): void {
  const [first, ...others] = checked.findings.filter((one) => one.level === 'error')
  if (first === undefined) return
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  throw badInput(
    'FINDINGS',
    `The commit of ${wanted.tag} has errors: ${showPlace(first.place)}: ${first.message}${more}`,
    { hint: 'Delete the git tag, or publish a corrected version under another one.' },
  )
}

/** @throws FINDINGS with every finding of the run */
export function refuseErrors(findings: readonly Finding[]): void {
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

function released(
  { wanted, source, tree, package: found, checked }: Checked,
  options: SelectOptions,
): PlannedRelease {
  const { layouts, snapshot } = options
  const { kind, name } = wanted
  const version =
    snapshot && source.commit !== undefined
      ? snapshotVersion(checked.manifest?.version, source.commit)
      : wanted.version
  return {
    kind,
    name,
    version: version.version,
    ...(snapshot ? {} : { gitTag: wanted.tag }),
    folder: found.folder,
    tree,
    ...(checked.document === undefined || kind === 'kcl'
      ? {}
      : { manifest: { ...checked.document, version: version.version } }),
    repository: repositoryOf(layouts, kind, name),
    tag: registryTagOf(layouts, kind, version),
  }
}
