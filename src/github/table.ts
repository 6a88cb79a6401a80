import { network, packing, publishing } from '../config/groups.ts'
import type { Action, OwnInput } from './action.ts'

const directory: OwnInput = {
  type: 'text',
  description: 'Folder of the extension repository with its slipway.yaml, relative to the workspace',
  default: '.',
}

const gitTag: OwnInput = {
  type: 'list',
  description:
    'Git tags to release, by comma or line. Default: the tag that the run is for; then it must exist in the checkout',
}

const snapshot: OwnInput = {
  type: 'toggle',
  description:
    'Build the current commit of what git-tag names (taskservs/kubernetes) under a version of its own; public tags stay where they are',
}

const dryRun: OwnInput = {
  type: 'toggle',
  description: 'Do everything but write to the targets; the summary shows what would be written',
}

const credentials = {
  username: { type: 'text', description: 'User for the hosts that this step writes to' },
  password: { type: 'secret', description: 'Password or access token of that user' },
  token: {
    type: 'secret',
    description: 'Bearer token for the hosts that this step writes to, instead of username and password',
  },
  'github-token': {
    type: 'secret',
    description:
      'For ghcr.io alone, where nothing else has a credential for it. Not used on Gitea and Forgejo',
    default: `\${{ github.token }}`,
  },
} as const satisfies Record<string, OwnInput>

/** The same for a step that writes nothing. */
const readingCredentials = {
  ...credentials,
  username: { type: 'text', description: 'User for the hosts that this step asks' },
  token: {
    type: 'secret',
    description: 'Bearer token for the hosts that this step asks, instead of username and password',
  },
} as const satisfies Record<string, OwnInput>

const ofOne = 'Empty unless there is exactly one'

const many = {
  'all-changed': {
    type: 'toggle',
    description: 'Instead of git-tag: every package of the checkout whose version a target lacks',
  },
  since: {
    type: 'text',
    description:
      'The same, but only packages that changed since the checked-out commit parted from this branch, tag or commit',
  },
  'missing-tags': {
    type: 'toggle',
    description:
      'Instead of git-tag: every git tag of a release that a target lacks, each from its own commit. Needs a checkout with fetch-depth: 0',
  },
} as const satisfies Record<string, OwnInput>

const packed = {
  name: `Name of the extension. ${ofOne}`,
  version: `Its version, without a leading v. ${ofOne}`,
  kind: `Its kind: provider, taskserv, cluster or core. ${ofOne}`,
  digest: `Digest of its manifest. ${ofOne}`,
}

const published = {
  reference: `Full address at the first target, with tag and digest. ${ofOne}`,
  references:
    'JSON list of every full address, with tag and digest, that holds what this step was to publish',
  published: 'How many tags at targets were written',
  unchanged: 'How many had the same content already',
}

/** The root action: the whole chain. */
export const releaseAction = {
  name: 'release',
  title: 'Slipway: release extensions',
  description: 'Checks, tests, packages and publishes extensions from their git tags to OCI registries',
  settings: [...publishing, ...packing, ...network],
  own: {
    'git-tag': gitTag,
    directory,
    snapshot,
    ...many,
    'dry-run': dryRun,
    ...credentials,
  },
  outputs: {
    ...packed,
    ...published,
    releases:
      'JSON list for a matrix, one object for each extension: kind, name, version, gitTag, repository, tag, digest, reference, outcome',
    layout: 'The first target that is a layout or an archive, as the input from of publish-oci takes it',
  },
} as const satisfies Action

export const packageAction = {
  name: 'package-extension',
  title: 'Slipway: package extensions',
  description: 'Checks, tests and packages extensions from their git tags into an OCI layout or archive',
  settings: [...packing, 'concurrency'],
  own: {
    'git-tag': gitTag,
    directory,
    output: {
      type: 'text',
      description:
        'layout:DIR or archive:FILE, relative to the workspace. Default: layout:.slipway/registry in the extension repository',
    },
    snapshot,
    'dry-run': dryRun,
  },
  outputs: {
    ...packed,
    releases:
      'JSON list for a matrix, one object for each extension: kind, name, version, gitTag, repository, tag, digest',
    layout: 'What was written, as the input from of publish-oci takes it',
  },
} as const satisfies Action

export const publishAction = {
  name: 'publish-oci',
  title: 'Slipway: publish to OCI registries',
  description: 'Publishes packages, images and indexes that are built already to OCI registries',
  settings: [...publishing, ...network],
  own: {
    from: {
      type: 'text',
      description:
        'Where it is: layout:DIR or archive:FILE, relative to the workspace, with #REPOSITORY:TAG for one',
      required: true,
    },
    'git-tag': {
      type: 'list',
      description:
        'Git tags of the only packages that may be there; anything else is refused. For archives from a job that ran foreign code',
    },
    references: {
      type: 'list',
      description:
        'Full addresses for a single artifact, oci://HOST/REPOSITORY:TAG, by comma or line, beside or instead of to',
    },
    directory,
    'dry-run': dryRun,
    ...credentials,
  },
  outputs: {
    digest: `Digest of what was published. ${ofOne}`,
    ...published,
    releases: 'JSON list for a matrix, one object for each artifact: source, digest, reference, outcome',
  },
} as const satisfies Action

export const validateAction = {
  name: 'validate-extensions',
  title: 'Slipway: validate extensions',
  description:
    'Checks manifests, structure, names and dependencies of extensions, on a pull request of those that it changes, and annotates the lines that are wrong',
  settings: ['source', 'compression', 'shape', 'allowIrreproducible', ...network],
  own: {
    directory,
    since: {
      type: 'text',
      description:
        'Check only what changed since the checked-out commit parted from this branch, tag or commit, and what depends on that. Default: the base of the pull request or merge queue; in other runs everything is checked. Needs a checkout with fetch-depth: 0',
    },
    everything: {
      type: 'toggle',
      description: 'Check every package on a pull request, too',
    },
    ...readingCredentials,
  },
  outputs: {
    packages:
      'JSON list for a matrix of what was checked, one object for each package: kind, name, folder, version, because (changed or dependent), errors, warnings',
    changed: 'JSON list of the names of packages that changed; empty where everything was checked',
    base: 'The commit since which changes count; empty where everything was checked',
    errors: 'How many errors were found',
    warnings: 'How many warnings were found',
  },
} as const satisfies Action

const slot = (at: number) =>
  `With mode: release, wave ${at} as a matrix: JSON list of shard and git-tags (one a line)`

export const resolveAction = {
  name: 'resolve-deps',
  title: 'Slipway: resolve dependencies',
  description: 'Finds which exact versions go together and in which order, or says why none do',
  settings: ['source', 'coreVersion', 'giteaUrl', 'cacheDir', 'to', 'allowDirty', ...network],
  own: {
    mode: {
      type: 'text',
      description:
        'solution: which exact versions go together. release: what the targets lack, in waves for the jobs of a workflow; nothing is solved or written',
      default: 'solution',
    },
    directory,
    workspace: {
      type: 'text',
      description:
        'Workspace file, relative to the workspace of the job. Default: workspace/config/provisioning.yaml where it exists; without one, all packages of the checkout are solved for',
    },
    frozen: {
      type: 'toggle',
      description: 'Take slipway.lock as it is, and fail when it is not what is required now',
    },
    platform: { type: 'text', description: 'Only versions that are available for it, such as linux/arm64' },
    lowest: { type: 'toggle', description: 'The lowest versions that fit, to test lower bounds' },
    prerelease: {
      type: 'text',
      description: 'Packages, by comma, whose prereleases may be chosen; * for all',
    },
    override: {
      type: 'text',
      description: 'What replaces every requirement on a package: NAME=RANGE, by comma',
    },
    offline: { type: 'toggle', description: 'Ask no registry: what the cache holds is all there is' },
    'dry-run': { type: 'toggle', description: 'Do not write slipway.lock' },
    'git-tag': gitTag,
    snapshot,
    ...many,
    ...readingCredentials,
  },
  outputs: {
    solution: 'JSON list in the order of installing: id, kind, version, source, manifest, layer',
    lock: 'Name of the lock, in the directory',
    changed: 'Whether the lock was written with something new: true or false',
    order: 'JSON list of ids, every package after all it needs',
    waves:
      'JSON list of lists of ids, or with mode: release of git tags: what stands in one can be installed or published at once',
    mermaid: 'The graph as a Mermaid flowchart',
    'git-tags': 'With mode: release, what is to be released, one git tag a line, in order',
    failed: 'With mode: release, JSON list of git tags that cannot be released: gitTag, code, message',
    'wave-0': slot(0),
    'wave-1': slot(1),
    'wave-2': slot(2),
    'wave-3': slot(3),
    'wave-4': slot(4),
    'wave-5': `${slot(5)}; deeper waves are in it, in order`,
  },
} as const satisfies Action

export const mirrorAction = {
  name: 'mirror-registry',
  title: 'Slipway: mirror registries',
  description:
    'Brings repositories of registries, layouts and archives to others, with signatures and all that refers to them',
  settings: network,
  own: {
    file: {
      type: 'text',
      description: 'The rules, relative to the workspace. Default: mirror.yaml in the directory',
    },
    source: {
      type: 'text',
      description: 'Instead of rules: one reference, oci://HOST/REPOSITORY:TAG, layout:… or archive:…',
    },
    destination: { type: 'text', description: 'Where that reference goes' },
    verify: {
      type: 'toggle',
      description: 'Write nothing, and fail unless every target has everything that the source has',
    },
    shard: {
      type: 'text',
      description: 'Only the repositories of one part, such as 2/5, where several jobs share a mirror',
    },
    directory,
    'dry-run': dryRun,
    ...credentials,
  },
  outputs: {
    repositories:
      'JSON list, one object for each repository and target: mirror, source, target, state, tags, bytes, requests',
    copied: 'How many tags were copied',
    unchanged: 'How many were there already',
    failed: 'How many failed',
    bytes: 'How many bytes went to targets',
    requests: 'How many requests that took, without repetitions and tokens',
    digest: 'Of the one reference; empty where rules were followed',
  },
} as const satisfies Action

export const cleanupAction = {
  name: 'cleanup-registry',
  title: 'Slipway: clean up a registry',
  description:
    'Plans what goes from a registry by the rules of a retention.yaml, or carries such a plan out; what is kept keeps all that it needs',
  settings: ['source', 'backend', ...network],
  own: {
    file: {
      type: 'text',
      description: 'The rules: retention.yaml, relative to the workspace. Default: none, for a plan to apply',
    },
    plan: {
      type: 'text',
      description:
        'The plan: written here with file, read from here without. Default: cleanup-plan.json in the workspace',
    },
    apply: {
      type: 'toggle',
      description:
        'Delete: what the rules say now, or without file what the plan says, if nothing relevant changed',
    },
    archive: {
      type: 'text',
      description: 'Copy what goes there first: layout:DIR or archive:FILE, relative to the workspace',
    },
    directory,
    ...readingCredentials,
    username: { type: 'text', description: 'User for the registry that is cleaned up' },
    token: {
      type: 'secret',
      description: 'Bearer token for the registry that is cleaned up, instead of username and password',
    },
  },
  outputs: {
    plan: 'The plan, relative to the workspace',
    'restore-file': 'What was deleted and how to have it back; empty where nothing was',
    steps: 'How many steps the plan has',
    deletions: 'How many manifests the plan deletes',
    deleted: 'How many manifests were deleted',
    protected:
      'JSON list of repositories that were left alone, since they could not be read or may be needed',
  },
} as const satisfies Action

/** Each action and the folder of its `action.yml`. */
export const actions: Readonly<Record<string, Action>> = {
  '.': releaseAction,
  'actions/cleanup-registry': cleanupAction,
  'actions/mirror-registry': mirrorAction,
  'actions/package-extension': packageAction,
  'actions/publish-oci': publishAction,
  'actions/resolve-deps': resolveAction,
  'actions/validate-extensions': validateAction,
}
