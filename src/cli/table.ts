import { network, packing, publishing } from '../config/groups.ts'
import type { SettingName } from '../config/settings.ts'
import type { CommandGroup, CommandRow, OwnFlag } from './command.ts'

const snapshot = {
  flags: '--snapshot',
  description: 'Build the current commit under a version of its own; public tags stay where they are',
}

const workspaceFlag: OwnFlag = {
  flags: '--workspace <file>',
  description: 'Workspace file (default: workspace/config/provisioning.yaml where it exists)',
}

/** What every command takes that may have to solve. */
const solving: readonly OwnFlag[] = [
  workspaceFlag,
  {
    flags: '--platform <platform>',
    description: 'Only versions that are available for it, such as linux/arm64',
  },
  { flags: '--lowest', description: 'The lowest versions that fit, to test lower bounds' },
  {
    flags: '--prerelease <names>',
    description: 'Packages, by comma, whose prereleases may be chosen; * for all',
  },
  {
    flags: '--override <requirements>',
    description: 'What replaces every requirement on a package: NAME=RANGE, by comma',
  },
  { flags: '--offline', description: 'Ask no registry: what earlier runs have seen is all there is' },
]

/** Settings of the same commands. */
const solvingSettings: readonly SettingName[] = ['source', 'coreVersion', 'giteaUrl', 'cacheDir', ...network]

export const commandGroups: Readonly<Record<string, CommandGroup>> = {
  deps: { summary: 'solve, lock and explain dependencies', aliases: ['dep'] },
  registry: { summary: 'back up and restore whole namespaces' },
  archive: { summary: 'check archives, pack them for the way and unpack them' },
  workspace: { summary: 'work on a workspace file' },
  cache: { summary: 'look after the local cache of packages' },
}

/** Every command, in the order in which --help lists them. */
export const commands: readonly CommandRow[] = [
  {
    name: 'release',
    args: '[git-tag...]',
    summary: 'check, test, package and publish extensions from their git tags',
    description:
      'Everything is checked, tested and packed before the first byte goes to a target; then each artifact goes to every target by digest, is read back, and gets its tag. latest and other moving tags come last. What others in the same run depend on is published before them.',
    settings: [...publishing, ...packing, ...network],
    own: [
      snapshot,
      {
        flags: '--all-changed',
        description: 'Instead of git tags: every package of the working tree whose version a target lacks',
      },
      {
        flags: '--since <ref>',
        description:
          'The same, but only packages that changed since the checked-out commit parted from a branch, tag or commit',
      },
      {
        flags: '--missing-tags',
        description:
          'Instead of git tags: every git tag of a release that a target lacks, each from its own commit',
      },
    ],
    dryRun: true,
    credentials: true,
    examples: [
      'slipway release taskservs/kubernetes/v1.28.0',
      'slipway release taskservs/kubernetes/v1.28.0 --to oci://ghcr.io/acme/provisioning-extensions',
      'slipway release --snapshot taskservs/kubernetes',
      'slipway release --all-changed --dry-run',
    ],
    load: () => import('./commands/release.ts'),
  },
  {
    name: 'package',
    args: '<git-tag...>',
    summary: 'check, test and package extensions into a layout or an archive',
    settings: [...packing, 'concurrency'],
    own: [
      {
        flags: '-o, --output <address>',
        description: 'layout:DIR or archive:FILE (default: layout:.slipway/registry)',
      },
      snapshot,
    ],
    dryRun: true,
    examples: ['slipway package taskservs/kubernetes/v1.28.0 -o archive:stage.tar'],
    load: () => import('./commands/package.ts'),
  },
  {
    name: 'publish',
    args: '[reference...]',
    summary: 'publish what is built already: packages, images and indexes',
    settings: [...publishing, ...network],
    own: [
      {
        flags: '--only <git-tags>',
        description: 'Git tags, by comma, of the only packages that may be there; anything else is refused',
      },
      {
        flags: '--from <address>',
        description: 'where it is: layout:DIR or archive:FILE, with #REPOSITORY:TAG for one',
      },
    ],
    dryRun: true,
    credentials: true,
    examples: [
      'slipway publish --from archive:stage.tar --to oci://ghcr.io/acme/provisioning-extensions',
      'slipway publish --from layout:build#orchestrator:v3.5.0 oci://ghcr.io/acme/provisioning-platform/orchestrator:v3.5.0',
    ],
    load: () => import('./commands/publish.ts'),
  },
  {
    name: 'pull',
    args: '<reference>',
    summary: 'fetch a package and unpack it',
    description:
      'Extensions and KCL packages pass through the local cache, where the provisioning system finds them; what is there already is not fetched again.',
    settings: ['cacheDir', ...network],
    own: [
      {
        flags: '-o, --output <folder>',
        description: 'where the files go (default: a folder of the repository’s name)',
      },
      { flags: '--replace', description: 'Take the place of a folder that is not empty' },
      { flags: '--cache-only', description: 'Bring it into the cache and unpack nothing' },
    ],
    credentials: true,
    examples: ['slipway pull oci://ghcr.io/acme/provisioning-extensions/kubernetes:1.28.0 -o kubernetes'],
    load: () => import('./commands/pull.ts'),
  },
  {
    name: 'tags',
    args: '<repository>',
    summary: 'list the tags of a repository, versions first',
    settings: network,
    credentials: true,
    examples: ['slipway tags layout:.slipway/registry#kubernetes'],
    load: () => import('./commands/tags.ts'),
  },
  {
    name: 'inspect',
    args: '<reference>',
    summary: 'show what stands under a reference',
    settings: network,
    credentials: true,
    examples: ['slipway inspect oci://ghcr.io/acme/provisioning-extensions/kubernetes:1.28.0'],
    load: () => import('./commands/inspect.ts'),
  },
  {
    name: 'list',
    args: '[target]',
    summary: 'list the repositories of a registry or layout and their highest versions',
    settings: ['source', ...network],
    credentials: true,
    examples: ['slipway list', 'slipway list oci://localhost:5000/provisioning-extensions'],
    load: () => import('./commands/list.ts'),
  },
  {
    name: 'search',
    args: '<word...>',
    summary: 'find packages by name, description, tags and kind',
    description:
      'Finds the packages that have every word in their name, description, tags or kind, the best first; where there is none, it names what is nearest. Reads the tags and one manifest of each repository. Where a registry has no list of repositories, it looks for packages of exactly these names.',
    settings: ['source', ...network],
    own: [{ flags: '--kind <kind>', description: 'Only provider, taskserv, cluster, kcl, core or platform' }],
    credentials: true,
    examples: [
      'slipway search kubernetes',
      'slipway search container runtime --kind taskserv --source oci://localhost:5000/provisioning-extensions',
    ],
    load: () => import('./commands/search.ts'),
  },
  {
    name: 'catalog',
    args: '[target]',
    summary: 'describe every package of a registry or layout; with --json for portals',
    description:
      'Describes every package by its highest version: kind, versions, digest, description, tags, dependencies and platforms. The same content gives the same document with --json.',
    settings: ['source', ...network],
    own: [
      {
        flags: '--repositories <names>',
        description: 'Only these, by comma, below the target’s prefix; for registries without a list',
      },
    ],
    credentials: true,
    examples: [
      'slipway catalog oci://localhost:5000/provisioning-extensions --json',
      'slipway catalog oci://ghcr.io/acme/provisioning-extensions --repositories kubernetes,containerd',
    ],
    load: () => import('./commands/catalog.ts'),
  },
  {
    name: 'delete',
    args: '<reference...>',
    summary: 'delete tags and manifests; without --yes only tell what would go',
    description:
      'A tag goes with its content, or alone where the content has other tags or an index needs it. Nothing is deleted while something that stays needs one of the manifests; all of that is told at once, with exit code 3. What a registry does not list (indexes without a tag) cannot be looked at.',
    settings: ['backend', ...network],
    own: [
      { flags: '--yes', description: 'Delete' },
      { flags: '--dry-run', description: 'Delete nothing, even with --yes' },
      { flags: '--with-tags', description: 'Also where the content has other tags: they go with it' },
      { flags: '--referrers', description: 'Signatures, SBOMs and whatever else refers to it go with it' },
      { flags: '--force', description: 'Although an index, a referrer or a subject that stays needs it' },
    ],
    credentials: true,
    examples: [
      'slipway delete oci://localhost:5000/provisioning-extensions/kubernetes:1.27.0',
      'slipway delete oci://localhost:5000/provisioning-extensions/kubernetes:1.27.0 --referrers --yes',
    ],
    load: () => import('./commands/delete.ts'),
  },
  {
    name: 'copy',
    args: '<source> <destination>',
    summary: 'copy one reference with its signatures and whatever else refers to it',
    description:
      'Brings an artifact, image or index by digest, with everything below it and everything that refers to it; the tag comes last. Without a tag the destination gets the source’s.',
    settings: network,
    own: [
      {
        flags: '--referrers <types>',
        description: 'all, none, or artifactTypes by comma (default: all)',
      },
      {
        flags: '--platform <platforms>',
        description:
          'Only these platforms of an index, by comma: a new index, which old signatures do not cover',
      },
    ],
    dryRun: true,
    credentials: true,
    examples: [
      'slipway copy oci://ghcr.io/acme/provisioning-extensions/kubernetes:1.28.0 oci://registry.example.org/mirror/kubernetes',
      'slipway copy oci://ghcr.io/acme/orchestrator:v3.5.0 archive:orchestrator.tar#orchestrator --platform linux/amd64',
    ],
    load: () => import('./commands/copy.ts'),
  },
  {
    name: 'mirror',
    args: '',
    summary: 'keep registries in step, as mirror.yaml says',
    description:
      'Brings the repositories and tags that mirror.yaml selects to their targets, with signatures and whatever else refers to them. Everything is selected and checked before anything moves; a failure of one repository stops no other, and a second run moves only what is missing.',
    settings: network,
    own: [
      { flags: '-f, --file <file>', description: 'the rules (default: mirror.yaml in -C)' },
      {
        flags: '--verify',
        description: 'Write nothing, and fail unless every target has everything that the source has',
      },
      {
        flags: '--shard <part>',
        description: 'Only the repositories of one part, such as 2/5, where several jobs share a mirror',
      },
    ],
    dryRun: true,
    credentials: true,
    examples: ['slipway mirror -f mirror.yaml', 'slipway mirror --dry-run', 'slipway mirror --verify --json'],
    load: () => import('./commands/mirror.ts'),
  },
  {
    name: 'registry backup',
    args: '<source> <destination>',
    summary: 'bring every tag of a namespace into a folder or an archive',
    description:
      'Copies whole repositories with every tag, signatures and whatever else refers to them, digests unchanged. Beside an archive bundle.tar a bundle.lock says what it holds; with --since the next archive leaves that out.',
    settings: network,
    own: [
      {
        flags: '--repository <globs>',
        description: 'Only these repositories below the source: names and globs, by comma (default: all)',
      },
      {
        flags: '--since <lock>',
        description: 'The lock of an earlier archive, whose blobs whoever gets this one has already',
      },
    ],
    dryRun: true,
    credentials: true,
    examples: [
      'slipway registry backup oci://ghcr.io/acme archive:bundle.tar --repository kubernetes,containerd',
      'slipway registry backup oci://registry.example.org/acme layout:backup',
      'slipway registry backup oci://registry.example.org/acme archive:week-2.tar --since week-1.lock',
    ],
    load: () => import('./commands/registry-backup.ts'),
  },
  {
    name: 'registry restore',
    args: '<source> <destination>',
    summary: 'bring a backup to a registry, checked from end to end first',
    description:
      'Reads the whole folder or archive before the first write: every blob must be there and digest to its name. Tags that stand for other content at the destination do not move unless --allow-overwrite says so. Run again it brings what is missing.',
    settings: ['allowOverwrite', ...network],
    own: [
      {
        flags: '--repository <globs>',
        description: 'Only these repositories of the backup: names and globs, by comma (default: all)',
      },
    ],
    dryRun: true,
    credentials: true,
    examples: ['slipway registry restore archive:bundle.tar oci://registry.example.org/acme'],
    load: () => import('./commands/registry-restore.ts'),
  },
  {
    name: 'archive pack',
    args: '<archive>',
    summary: 'compress an archive or cut it into parts',
    description:
      'Writes bundle.tar.000 and so on, or bundle.tar.zst, beside bundle.tar, and bundle.tar.json with the size and SHA-256 of each. The archive is checked from end to end first, and stays. slipway registry restore takes the parts as they are.',
    settings: [],
    own: [
      { flags: '--split <bytes>', description: 'Most bytes of a part, such as 500MB or 4GiB' },
      { flags: '--zstd', description: 'Compress with zstd' },
    ],
    examples: ['slipway archive pack archive:bundle.tar --split 500MB --zstd'],
    load: () => import('./commands/archive-pack.ts'),
  },
  {
    name: 'archive unpack',
    args: '<archive>',
    summary: 'put an archive together from its parts',
    description:
      'Reads bundle.tar.json and the parts beside it, and writes bundle.tar: whole and verified, or not at all.',
    settings: [],
    examples: ['slipway archive unpack archive:bundle.tar'],
    load: () => import('./commands/archive-unpack.ts'),
  },
  {
    name: 'archive verify',
    args: '<archive>',
    summary: 'read an archive from end to end and say what it lacks',
    description:
      'Every entry of the index, everything below it and every blob must be there, with the size and digest that name it. Takes parts as they are.',
    settings: [],
    examples: ['slipway archive verify archive:bundle.tar'],
    load: () => import('./commands/archive-verify.ts'),
  },
  {
    name: 'validate',
    args: '[path...]',
    summary: 'check manifests, structure, names and dependencies of the working tree',
    description:
      'Asks no registry unless --published is given: then every dependency must be had from the repository or a source, and a package that changed must have a version that is not published yet.',
    settings: ['source', 'compression', 'shape', 'allowIrreproducible', ...network],
    own: [
      {
        flags: '--since <ref>',
        description:
          'Only what changed since the branch left a branch, tag or commit, uncommitted changes included, and what depends on that',
      },
      { flags: '--published', description: 'Also compare with what the sources have' },
    ],
    credentials: true,
    examples: [
      'slipway validate',
      'slipway validate taskservs/kubernetes',
      'slipway validate --since main --published',
    ],
    load: () => import('./commands/validate.ts'),
  },
  {
    name: 'deps resolve',
    args: '',
    summary: 'solve the dependencies and write slipway.lock',
    description:
      'Finds one version of every package so that all requirements are met: the highest that fit, but what the lock holds stays where it still fits. Where nothing fits it says why.',
    settings: solvingSettings,
    own: [
      {
        flags: '--frozen',
        description: 'Take the lock as it is, and refuse when it is not what is required now',
      },
      { flags: '--install', description: 'Install what was locked' },
      ...solving,
    ],
    dryRun: true,
    credentials: true,
    examples: [
      'slipway deps resolve',
      'slipway deps resolve --frozen',
      'slipway deps resolve --source oci://ghcr.io/acme/provisioning-extensions --platform linux/arm64',
    ],
    load: () => import('./commands/deps-resolve.ts'),
  },
  {
    name: 'deps validate',
    args: '',
    summary: 'check that the dependencies can be solved and the lock still holds',
    settings: solvingSettings,
    own: solving,
    credentials: true,
    examples: ['slipway deps validate'],
    load: () => import('./commands/deps-validate.ts'),
  },
  {
    name: 'deps tree',
    args: '[name]',
    summary: 'show what needs what, as a tree',
    settings: solvingSettings,
    own: [
      { flags: '--invert', description: 'Who needs it, instead of what it needs' },
      { flags: '--depth <levels>', description: 'Levels below the top' },
      ...solving,
    ],
    credentials: true,
    examples: ['slipway deps tree', 'slipway deps tree kubernetes', 'slipway deps tree runc --invert'],
    load: () => import('./commands/deps-tree.ts'),
  },
  {
    name: 'deps why',
    args: '<name>',
    summary: 'show which requirements lead to a package',
    settings: solvingSettings,
    own: solving,
    credentials: true,
    examples: ['slipway deps why containerd'],
    load: () => import('./commands/deps-why.ts'),
  },
  {
    name: 'deps outdated',
    aliases: ['check-updates'],
    args: '',
    summary: 'list locked versions that are behind',
    settings: solvingSettings,
    own: solving,
    credentials: true,
    examples: ['slipway deps outdated', 'slipway deps check-updates --json'],
    load: () => import('./commands/deps-outdated.ts'),
  },
  {
    name: 'deps update',
    args: '[name]',
    summary: 'move locked packages to the highest versions that fit',
    settings: solvingSettings,
    own: [
      { flags: '--precise <version>', description: 'The very version that the package is to get' },
      { flags: '--recursive', description: 'What it needs may move too, all the way down' },
      ...solving,
    ],
    dryRun: true,
    credentials: true,
    examples: ['slipway deps update', 'slipway deps update containerd --precise 1.7.22'],
    load: () => import('./commands/deps-update.ts'),
  },
  {
    name: 'deps graph',
    args: '',
    summary: 'print the graph for another program',
    settings: solvingSettings,
    own: [{ flags: '--format <format>', description: 'mermaid, dot or json (default: mermaid)' }, ...solving],
    credentials: true,
    examples: ['slipway deps graph', 'slipway deps graph --format dot | dot -Tsvg -o graph.svg'],
    load: () => import('./commands/deps-graph.ts'),
  },
  {
    name: 'install',
    args: '',
    summary: 'install what slipway.lock says',
    description:
      'Fetches every package of the lock, verifies its digest and puts it into extensions/<kind>s/<name>, each after what it needs; KCL packages into kcl/<name>. What is there and intact stays, nothing of a package is run, and an interrupted install goes on where it stopped.',
    settings: solvingSettings,
    own: [
      { flags: '--root <folder>', description: 'Where extensions/ and kcl/ stand (default: -C)' },
      { flags: '--replace', description: 'Folders that were changed by hand give way' },
      { flags: '--rollback', description: 'Go back to what was installed before' },
      ...solving,
    ],
    dryRun: true,
    credentials: true,
    examples: ['slipway install', 'slipway install --root ../production', 'slipway install --rollback'],
    load: () => import('./commands/install.ts'),
  },
  {
    name: 'cleanup',
    args: '',
    summary: 'plan what goes from a registry by rules, and carry the plan out',
    description:
      'Plans what goes from a registry by the rules of a retention.yaml, and deletes nothing unless --apply says so. What is kept keeps its platforms, signatures, SBOMs and dependencies. A plan is carried out only if nothing changed that it rests on; afterwards everything that stays is checked to be complete.',
    settings: ['source', 'backend', ...network],
    own: [
      { flags: '-f, --file <file>', description: 'The rules: retention.yaml' },
      { flags: '--plan <file>', description: 'Write the plan to this file' },
      {
        flags: '--apply [plan]',
        description: 'Delete: what this plan says, or with -f what the rules say now',
      },
      { flags: '--archive <address>', description: 'Copy what goes there first: layout:DIR or archive:FILE' },
      {
        flags: '--restore-file <file>',
        description:
          'Where to write what goes and how to have it back (default: PLAN.restore.json, or cleanup.restore.json)',
      },
    ],
    credentials: true,
    examples: [
      'slipway cleanup -f retention.yaml --plan plan.json',
      'slipway cleanup --apply plan.json',
      'slipway cleanup -f retention.yaml --apply --archive archive:gone.tar',
    ],
    load: () => import('./commands/cleanup.ts'),
  },
  {
    name: 'cache prune',
    args: '',
    summary: 'remove packages from the local cache that nobody used for long',
    settings: ['cacheDir'],
    own: [
      { flags: '--older-than <days>', description: 'Days since the last use (default: 30)' },
      {
        flags: '--max-size <bytes>',
        description: 'Bytes, or such as 5GiB, that may stay; the least recently used go first',
      },
    ],
    examples: ['slipway cache prune', 'slipway cache prune --max-size 5GiB'],
    load: () => import('./commands/cache-prune.ts'),
  },
  {
    name: 'workspace migrate',
    args: '',
    summary: 'make registry references of a workspace’s local and git modules',
    settings: ['giteaUrl'],
    own: [
      { flags: '--to <target>', description: 'where the extensions are published: oci://HOST/NAMESPACE' },
      workspaceFlag,
    ],
    dryRun: true,
    examples: ['slipway workspace migrate --dry-run'],
    load: () => import('./commands/workspace-migrate.ts'),
  },
  {
    name: 'login',
    args: '<host>',
    summary: 'keep a credential where docker and Podman find it too',
    settings: network,
    credentials: true,
    examples: ['echo "$TOKEN" | slipway login ghcr.io --username me --password-stdin'],
    load: () => import('./commands/login.ts'),
  },
  {
    name: 'logout',
    args: '<host>',
    summary: 'forget a host’s credential',
    settings: [],
    examples: ['slipway logout ghcr.io'],
    load: () => import('./commands/logout.ts'),
  },
  {
    name: 'config',
    args: '',
    summary: 'show every setting, its value and where that came from',
    settings: [...publishing, 'source', ...packing, ...network, 'cacheDir', 'coreVersion', 'giteaUrl'],
    examples: ['slipway config', 'slipway config --json'],
    load: () => import('./commands/config.ts'),
  },
]
