import { network } from '../config/groups.ts'
import type { SettingName } from '../config/settings.ts'
import type { CommandRow, OwnFlag } from './command.ts'

/** For every command that reads a workspace. */
export const workspaceFlag: OwnFlag = {
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

/** The commands that solve, lock and install. */
export const dependencyCommands: readonly CommandRow[] = [
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
]
