import { join } from 'node:path'
import { defaultLimits } from '../core/limits.ts'
import { backends } from '../registry/vendor/names.ts'
import * as type from './setting-type.ts'

/** What defaults may depend on. */
export interface Surroundings {
  /** `-C`, absolute. */
  readonly folder: string
  /** The user's home, absolute. */
  readonly home: string
}

/** One thing a user can set; a row here is all that a new setting needs. */
export interface Setting<T> {
  readonly type: type.SettingType<T>
  /** `--to`. */
  readonly flag: string
  /** `SLIPWAY_TO`. */
  readonly variable: string
  /** Path in `slipway.yaml`. */
  readonly file?: readonly string[]
  /** Undefined: nothing is set, and what uses it says what then happens. */
  default?(surroundings: Surroundings): NoInfer<T>
  /** In words, where the default is none or depends on something. */
  readonly otherwise?: string
  readonly description: string
}

/** A setting that always has a value. */
export interface DefaultedSetting<T> extends Setting<T> {
  default(surroundings: Surroundings): NoInfer<T>
}

const setting = <T>(row: DefaultedSetting<T>): DefaultedSetting<T> => row
const open = <T>(row: Omit<Setting<T>, 'default'>): Setting<T> => row

/** Every setting, in the order in which `slipway config`, --help and the documentation list them. */
export const settings = {
  to: setting({
    type: type.targets,
    flag: '--to',
    variable: 'SLIPWAY_TO',
    file: ['targets'],
    default: ({ folder }) => [`layout:${join(folder, '.slipway/registry')}`],
    otherwise: 'layout:.slipway/registry in the extension repository',
    description: 'Where releases go; can be given several times',
  }),
  source: setting({
    type: type.targets,
    flag: '--source',
    variable: 'SLIPWAY_SOURCE',
    file: ['sources'],
    default: ({ folder }) => [`layout:${join(folder, '.slipway/registry')}`],
    otherwise: 'layout:.slipway/registry in the extension repository',
    description: 'Where published extensions are found; can be given several times',
  }),
  coreVersion: open({
    type: type.text,
    flag: '--core-version',
    variable: 'SLIPWAY_CORE_VERSION',
    file: ['core'],
    description: 'Version of the provisioning core, or its reference in a registry',
  }),
  giteaUrl: open({
    type: type.text,
    flag: '--gitea-url',
    variable: 'SLIPWAY_GITEA_URL',
    file: ['gitea', 'url'],
    description: 'Base URL of the Gitea or Forgejo that gitea:// names without a host',
  }),
  compression: setting({
    type: type.choice('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'off'),
    flag: '--compression',
    variable: 'SLIPWAY_COMPRESSION',
    default: () => '6' as const,
    description: 'gzip level of the layer',
  }),
  shape: setting({
    type: type.choice('artifact', 'image'),
    flag: '--shape',
    variable: 'SLIPWAY_SHAPE',
    default: () => 'artifact' as const,
    description: 'Manifest of an artifact, or of an image for registries that refuse unknown types',
  }),
  movingTags: setting({
    type: type.choices('latest', 'major', 'minor'),
    flag: '--moving-tags',
    variable: 'SLIPWAY_MOVING_TAGS',
    default: () => ['latest' as const],
    description: 'Tags that follow the highest stable version: latest, major (1), minor (1.28), or none',
  }),
  allowDirty: setting({
    type: type.toggle,
    flag: '--allow-dirty',
    variable: 'SLIPWAY_ALLOW_DIRTY',
    default: () => false,
    description: 'Package a working tree with changes that are not committed',
  }),
  allowOverwrite: setting({
    type: type.toggle,
    flag: '--allow-overwrite',
    variable: 'SLIPWAY_ALLOW_OVERWRITE',
    default: () => false,
    description: 'Put other content under a tag that exists',
  }),
  allowIrreproducible: setting({
    type: type.toggle,
    flag: '--allow-irreproducible',
    variable: 'SLIPWAY_ALLOW_IRREPRODUCIBLE',
    default: () => false,
    description: 'Package with a Node whose zlib compresses differently',
  }),
  skipTests: setting({
    type: type.toggle,
    flag: '--skip-tests',
    variable: 'SLIPWAY_SKIP_TESTS',
    default: () => false,
    description: 'Do not run the tests of extensions',
  }),
  testCommand: open({
    type: type.text,
    flag: '--test-command',
    variable: 'SLIPWAY_TEST_COMMAND',
    file: ['test', 'command'],
    otherwise: 'nu tests/run.nu where that file exists',
    description: 'What runs in an extension before it is packaged',
  }),
  testTimeout: setting({
    type: type.duration,
    flag: '--test-timeout',
    variable: 'SLIPWAY_TEST_TIMEOUT',
    file: ['test', 'timeout'],
    default: () => 300_000,
    description: 'Longest time for the tests of one extension',
  }),
  concurrency: setting({
    type: type.whole(1, 256),
    flag: '--concurrency',
    variable: 'SLIPWAY_CONCURRENCY',
    default: () => defaultLimits.concurrency,
    description: 'Requests in flight to one host',
  }),
  requestsPerSecond: open({
    type: type.rate(0.01, 10_000),
    flag: '--requests-per-second',
    variable: 'SLIPWAY_REQUESTS_PER_SECOND',
    otherwise: 'no limit',
    description: 'Most requests per second to one host',
  }),
  connectTimeout: setting({
    type: type.duration,
    flag: '--connect-timeout',
    variable: 'SLIPWAY_CONNECT_TIMEOUT',
    default: () => defaultLimits.connect,
    description: 'Longest time until a connection stands',
  }),
  timeout: setting({
    type: type.duration,
    flag: '--timeout',
    variable: 'SLIPWAY_TIMEOUT',
    default: () => defaultLimits.idle,
    description: 'Longest time without a byte in either direction',
  }),
  closingTimeout: setting({
    type: type.duration,
    flag: '--closing-timeout',
    variable: 'SLIPWAY_CLOSING_TIMEOUT',
    default: () => defaultLimits.closing,
    description: 'Longest time for the answer that closes an upload',
  }),
  deadline: setting({
    type: type.duration,
    flag: '--deadline',
    variable: 'SLIPWAY_DEADLINE',
    default: () => defaultLimits.deadline,
    description: 'Longest time for one request with all its retries',
  }),
  retries: setting({
    type: type.whole(0, 20),
    flag: '--retries',
    variable: 'SLIPWAY_RETRIES',
    default: () => defaultLimits.retries,
    description: 'Attempts after the first',
  }),
  retryDelay: setting({
    type: type.duration,
    flag: '--retry-delay',
    variable: 'SLIPWAY_RETRY_DELAY',
    default: () => defaultLimits.retryDelay,
    description: 'Time before the first retry',
  }),
  retryBackoff: setting({
    type: type.rate(1, 10),
    flag: '--retry-backoff',
    variable: 'SLIPWAY_RETRY_BACKOFF',
    default: () => defaultLimits.retryBackoff,
    description: 'Factor between two retries',
  }),
  backend: open({
    type: type.choice(...backends),
    flag: '--backend',
    variable: 'SLIPWAY_BACKEND',
    otherwise: 'ghcr for ghcr.io, oci for other hosts',
    description: 'What the registry is, since each has its own way of deleting',
  }),
  plainHttp: open({
    type: type.toggle,
    flag: '--plain-http',
    variable: 'SLIPWAY_PLAIN_HTTP',
    otherwise: 'for loopback only',
    description: 'Speak HTTP without TLS',
  }),
  insecure: setting({
    type: type.toggle,
    flag: '--insecure',
    variable: 'SLIPWAY_INSECURE',
    default: () => false,
    description: 'Accept any certificate',
  }),
  ca: open({
    type: type.path,
    flag: '--ca',
    variable: 'SLIPWAY_CA',
    description: 'File with certificates (PEM) to trust besides those of the system',
  }),
  cacheDir: setting({
    type: type.path,
    flag: '--cache-dir',
    variable: 'SLIPWAY_CACHE_DIR',
    default: ({ home }) => join(home, '.provisioning/oci-cache'),
    otherwise: '~/.provisioning/oci-cache',
    description: 'Where pulled packages are kept',
  }),
} as const

export type SettingName = keyof typeof settings
