import { network } from '../config/groups.ts'
import type { CommandRow } from './command.ts'

/** The commands on what registries, layouts and archives hold as a whole. */
export const registryCommands: readonly CommandRow[] = [
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
]
