import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { messageOf, SlipwayError } from '../core/error.ts'
import type { Limits } from '../core/limits.ts'
import type { HostSettings as TransportSettings } from '../http/host.ts'
import type { Transport } from '../http/transport.ts'
import type { GivenCredential } from '../registry/credentials.ts'
import type { Backend } from '../registry/vendor/names.ts'
import { type Place, showPlace } from '../store/address.ts'
import { type Rehearsal, rehearse } from '../store/rehearse.ts'
import type { Registry } from '../store/store.ts'

/** How one host is spoken to, from `slipway.yaml` and flags. */
export interface HostSettings extends TransportSettings {
  /** Default: for loopback only. */
  readonly plainHttp?: boolean
  /** What deleting goes through there. */
  readonly backend?: Backend
  /** Address of GitHub's API for it. */
  readonly api?: string
}

export interface OpenOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly limits?: Partial<Limits>
  readonly host?: (host: string) => HostSettings | undefined
  /** Given by flag, input, variable or workspace; each goes to its host only. */
  readonly credentials?: readonly GivenCredential[]
  /** Where `scratch` makes its folder; default: the system's place for temporary files. */
  readonly temporary?: string | undefined
  readonly clock?: Clock
  readonly userAgent: string
  /** Told every secret before it is sent. */
  readonly secret?: (value: string) => void
  /** Record writes instead of making them. */
  readonly rehearse?: boolean
}

/** Every registry of one run: the one place that wires stores, credentials and transport together. */
export class Opener implements AsyncDisposable {
  #options: OpenOptions
  readonly #open = new Map<string, Promise<Registry>>()
  readonly #rehearsals = new Map<string, Rehearsal>()
  #scratch: Promise<string> | undefined
  #wire: Promise<import('./wire.ts').Wire> | undefined

  constructor(options: OpenOptions) {
    this.#options = options
  }

  /** Learns what a file beside slipway.yaml says of hosts, before anything is opened; what was given wins. */
  consider(hosts: Required<Pick<OpenOptions, 'host' | 'credentials'>>): void {
    const { host: own, credentials = [] } = this.#options
    this.#options = {
      ...this.#options,
      host: (host) => ({ ...hosts.host(host), ...own?.(host) }),
      credentials: [...credentials, ...hosts.credentials],
    }
  }

  open(place: Place): Promise<Registry> {
    const key = showPlace(place)
    const known = this.#open.get(key)
    if (known !== undefined) return known
    const opening = this.#make(place)
    this.#open.set(key, opening)
    return opening
  }

  /** What a rehearsed run would have written, by place. */
  rehearsals(): ReadonlyMap<string, Rehearsal> {
    return this.#rehearsals
  }

  /** What speaks HTTP to hosts that are no registries, with the same proxies, certificates and limits. */
  async transport(): Promise<Transport> {
    return (await this.#wired()).transport
  }

  /** A folder outside the checkout that disappears with this object. */
  scratch(): Promise<string> {
    const parent = this.#options.temporary || tmpdir()
    this.#scratch ??= mkdtemp(join(parent, 'slipway-')).catch((cause: unknown) => {
      throw new SlipwayError(
        'SCRATCH_NOT_WRITABLE',
        `No temporary folder can be made in ${parent}: ${messageOf(cause)}`,
        {
          cause,
          hint: 'Make room there, or name another folder with TMPDIR (on a runner: RUNNER_TEMP).',
        },
      )
    })
    return this.#scratch
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await Promise.allSettled(this.#open.values())
    for (const one of opened) if (one.status === 'fulfilled') await one.value[Symbol.asyncDispose]()
    if (this.#wire !== undefined) await (await this.#wire).close()
    const scratch = await this.#scratch?.catch(() => undefined)
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true })
  }

  async #make(place: Place): Promise<Registry> {
    const real = await this.#real(place)
    if (this.#options.rehearse !== true) return real
    const rehearsal = rehearse(real)
    this.#rehearsals.set(showPlace(place), rehearsal)
    return rehearsal
  }

  async #real(place: Place): Promise<Registry> {
    if (place.scheme === 'layout') {
      const { layoutRegistry } = await import('../store/layout.ts')
      // The default target stands inside the checkout: it keeps itself out of git.
      const own = basename(dirname(place.path)) === '.slipway'
      return layoutRegistry(place.path, own ? { ignoreFile: `${dirname(place.path)}/.gitignore` } : {})
    }
    if (place.scheme === 'archive') {
      const { archiveRegistry } = await import('../store/archive.ts')
      const { temporary } = this.#options
      return archiveRegistry(place.path, temporary ? { staging: temporary } : {})
    }
    return (await this.#wired()).registry(place.host)
  }

  #wired(): Promise<import('./wire.ts').Wire> {
    this.#wire ??= import('./wire.ts').then(({ createWire }) => createWire(this.#options))
    return this.#wire
  }
}
