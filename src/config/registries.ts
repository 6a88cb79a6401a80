import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { badInput, messageOf } from '../core/error.ts'
import { defaultLimits, type Limits } from '../core/limits.ts'
import type { HostSettings as TransportSettings } from '../http/host.ts'
import type { Backend } from '../registry/vendor/names.ts'
import type { Effective } from './effective.ts'
import { milliseconds } from './setting-type.ts'
import type { ConfigurationFile, SlipwayYaml } from './slipway-yaml.ts'

/** How one host is spoken to. */
export interface HostSettings extends TransportSettings {
  /** Default: for loopback only. */
  readonly plainHttp?: boolean
  /** What deleting goes through there. */
  readonly backend?: Backend
  /** Address of GitHub's API for it. */
  readonly api?: string
}

type RegistryYaml = NonNullable<SlipwayYaml['registries']>[string]

/** The limits of every host. */
export function limitsOf(effective: Effective): Limits {
  return {
    connect: effective.connectTimeout.value,
    idle: effective.timeout.value,
    closing: effective.closingTimeout.value,
    deadline: effective.deadline.value,
    retries: effective.retries.value,
    retryDelay: effective.retryDelay.value,
    retryBackoff: effective.retryBackoff.value,
    concurrency: effective.concurrency.value,
    requestsPerSecond: effective.requestsPerSecond.value,
    manifest: defaultLimits.manifest,
  }
}

/**
 * What holds for a host: a flag or variable wins over `registries.<host>`, which wins over the defaults.
 * Reads the certificates that are named.
 * @throws CERTIFICATE_UNREADABLE
 */
export function hostSettings(
  effective: Effective,
  file: ConfigurationFile | undefined,
  host: string,
): HostSettings {
  const own = ownOf(file, host)
  const base = file?.folder ?? '.'
  const pem = (path: string, what: string) => readPem(resolve(base, path), what, host)
  const ca = [
    ...(effective.ca.value === undefined ? [] : [readPem(effective.ca.value, 'ca', host)]),
    ...(own.ca === undefined ? [] : [pem(own.ca, 'ca')]),
  ]
  return dropUndefined({
    plainHttp: effective.plainHttp.value ?? own.plainHttp,
    backend: effective.backend.value ?? own.backend,
    api: own.api,
    insecure: effective.insecure.value,
    ...(ca.length > 0 ? { ca } : {}),
    cert: own.cert === undefined ? undefined : pem(own.cert, 'cert'),
    key: own.key === undefined ? undefined : pem(own.key, 'key'),
    requestsPerSecond: overridden(effective, 'requestsPerSecond', own.requestsPerSecond),
    timeout: overridden(effective, 'timeout', inMilliseconds(own.timeout)),
    retries: overridden(effective, 'retries', own.retries),
    retryDelay: overridden(effective, 'retryDelay', inMilliseconds(own.retryDelay)),
    retryBackoff: overridden(effective, 'retryBackoff', own.retryBackoff),
  })
}

type Overridable = 'requestsPerSecond' | 'timeout' | 'retries' | 'retryDelay' | 'retryBackoff'

function overridden(effective: Effective, name: Overridable, own: number | undefined): number | undefined {
  const { value, origin } = effective[name]
  return origin === 'default' ? (own ?? value) : value
}

/** Hosts compare without regard to case; the longest form is `HOST:PORT`. */
function ownOf(file: ConfigurationFile | undefined, host: string): RegistryYaml {
  const hosts = Object.entries(file?.value.registries ?? {})
  return hosts.find(([name]) => name.toLowerCase() === host.toLowerCase())?.[1] ?? {}
}

function inMilliseconds(value: string | number | undefined): number | undefined {
  return typeof value === 'string'
    ? milliseconds(value)
    : value === undefined
      ? undefined
      : Math.round(value * 1000)
}

function readPem(path: string, what: string, host: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw badInput('CERTIFICATE_UNREADABLE', `The ${what} for ${host} cannot be read: ${messageOf(cause)}`, {
      hint: 'Paths in slipway.yaml start from its folder, those of flags from the current one.',
      cause,
    })
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function dropUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Defined<T>
}
