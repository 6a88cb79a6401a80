import { network, packing, publishing } from '../config/groups.ts'
import type { CommandGroup, CommandRow } from './command.ts'
import { dependencyCommands, workspaceFlag } from './table-dependencies.ts'
import { registryCommands } from './table-registries.ts'

const snapshot = {
  flags: '--snapshot',
  description: 'Build the current commit under a version of its own; public tags stay where they are',
}

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
  ...registryCommands,
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
  ...dependencyCommands,
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
