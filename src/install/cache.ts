import { type FileHandle, open, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '../core/clock.ts'
import { badInput, hasCode, messageOf } from '../core/error.ts'
import type { Report } from '../core/report.ts'
import type { Kind } from '../extension/kinds.ts'
import { isName } from '../extension/name.ts'
import { algorithmOf, type Digest } from '../oci/digest.ts'
import { isAbsence, removeAbandoned, replaceFile } from '../store/blob-folder.ts'
import { readFailure, writeFailure } from '../store/file-failure.ts'
import type { Call } from '../store/store.ts'
import { versionOf } from '../version/version.ts'
import { chunksOf, digestOfFile, readSidecar, sidecarOf } from './cached-file.ts'
import { type Pruned, type PruneOptions, pruneCache } from './prune.ts'
import { verifiedBy } from './verified.ts'

/** One package: its name and version say where it stands, its digest which bytes it must have. */
export interface CacheKey {
  readonly kind: Kind
  readonly name: string
  readonly version: string
  /** Digest of the tar.gz. */
  readonly layer: Digest
}

/** Where a package comes from, for the sidecar. */
export interface Origin {
  readonly source: string
  readonly manifest?: Digest
  readonly mediaType?: string
}

/** What a run had from the cache and what it had to fetch. */
export interface CacheCounters {
  readonly hits: number
  readonly misses: number
  /** Packages fetched from their sources. */
  readonly pulls: number
  /** Bytes of them. */
  readonly bytes: number
  /** Milliseconds that fetching took, added up over all packages. */
  readonly milliseconds: number
}

/**
 * Fetched packages as the provisioning system looks for them: `kcl/<name>/<version>/package.tar.gz` and
 * `extensions/<kind>/<name>/<version>/artifact.tar.gz`, each with a sidecar of JSON. What is read was
 * verified just before; what is damaged is dropped and fetched again. Any number of processes may share a
 * cache; one that cannot be written, or is full, is done without.
 */
export class PackageCache {
  readonly dir: string
  readonly #report: Report
  readonly #clock: Clock
  readonly #counters = { hits: 0, misses: 0, pulls: 0, bytes: 0, milliseconds: 0 }
  #unusable = false
  #ready: Promise<void> | undefined

  constructor(dir: string, report: Report, clock: Clock = systemClock) {
    this.dir = dir
    this.#report = report
    this.#clock = clock
  }

  get counters(): CacheCounters {
    return { ...this.#counters }
  }

  /** Where a package stands, whether it is there or not. @throws INSTALL_ITEM_INVALID */
  path({ kind, name, version }: Omit<CacheKey, 'layer'>): string {
    if (!isName(name) || versionOf(version) === undefined)
      throw badInput(
        'INSTALL_ITEM_INVALID',
        `${JSON.stringify(`${name} ${version}`.slice(0, 200))} is no package`,
        {
          hint: 'A package has a name and a full semantic version.',
        },
      )
    return kind === 'kcl'
      ? join(this.dir, 'kcl', name, version, 'package.tar.gz')
      : join(this.dir, 'extensions', kind, name, version, 'artifact.tar.gz')
  }

  /** The path of a package that is there and verified; undefined where it has to be fetched. */
  async get(key: CacheKey, call?: Call): Promise<string | undefined> {
    const file = await this.#verified(key, call)
    await file?.close()
    return file === undefined ? undefined : this.path(key)
  }

  /**
   * Puts a package in: whole and verified under its name, or not at all.
   * @throws DIGEST_MISMATCH, DISK_FULL, CACHE_NOT_WRITABLE
   */
  async put(key: CacheKey, origin: Origin, source: AsyncIterable<Uint8Array>, call?: Call): Promise<void> {
    this.#ready ??= removeAbandoned(this.dir)
    await this.#ready
    const path = this.path(key)
    const options = { kind: 'CACHE', folder: this.dir, ...call } as const
    let size = 0
    const counted = async function* () {
      for await (const chunk of verifiedBy(key.layer, source, origin.source)) {
        size += chunk.byteLength
        yield chunk
      }
      // Nobody may find the new bytes beside the old sidecar and take them for damaged.
      await rm(sidecarOf(path), { force: true }).catch((error) => {
        throw writeFailure('CACHE', path, error)
      })
    }
    await replaceFile(path, counted(), options)
    const { manifest, mediaType } = origin
    const sidecar = { layer: key.layer, manifest, mediaType, size, source: origin.source }
    await replaceFile(sidecarOf(path), [Buffer.from(`${JSON.stringify(sidecar, null, 2)}\n`)], options)
  }

  /**
   * A package's verified bytes, from the cache or, by way of the cache, from its source.
   * @throws DIGEST_MISMATCH and what the source throws; never for what is wrong with the cache
   */
  async *read(
    key: CacheKey,
    origin: Origin,
    from: () => AsyncIterable<Uint8Array>,
    call?: Call,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const file = (await this.#verified(key, call)) ?? (await this.#fetched(key, origin, from, call))
    if (file === undefined) return yield* verifiedBy(key.layer, this.#pulled(from), origin.source)
    try {
      yield* verifiedBy(key.layer, chunksOf(file, call), this.path(key))
    } finally {
      await file.close()
    }
  }

  /** Takes out a package that turned out not to be what it says, though its bytes are as promised. */
  async forget(key: Omit<CacheKey, 'layer'>): Promise<void> {
    const path = this.path(key)
    await rm(sidecarOf(path), { force: true })
    await rm(path, { force: true })
  }

  /** Removes what was not used for long, and then the least recently used until the rest is small enough. */
  async prune(options: PruneOptions): Promise<Pruned> {
    await removeAbandoned(this.dir)
    return await pruneCache(this.dir, options, this.#clock.now())
  }

  async #fetched(
    key: CacheKey,
    origin: Origin,
    from: () => AsyncIterable<Uint8Array>,
    call: Call | undefined,
  ): Promise<FileHandle | undefined> {
    if (this.#unusable) return undefined
    try {
      await this.put(key, origin, this.#pulled(from), call)
      return await open(this.path(key))
    } catch (error) {
      // Pruned by another process as soon as it was there.
      if (!isAbsence(error)) this.#doWithout(error)
      return undefined
    }
  }

  async *#pulled(from: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const start = this.#clock.now()
    this.#counters.pulls++
    try {
      for await (const chunk of from()) {
        this.#counters.bytes += chunk.byteLength
        yield chunk
      }
    } finally {
      this.#counters.milliseconds += this.#clock.now() - start
    }
  }

  /** An open file whose content is what the key says, so that nobody can exchange it before it is read. */
  async #verified(key: CacheKey, call: Call | undefined): Promise<FileHandle | undefined> {
    const path = this.path(key)
    try {
      const sidecar = await readSidecar(path)
      // The same version from elsewhere: not damaged, but not this one.
      if (sidecar !== undefined && sidecar !== 'damaged' && sidecar.layer !== key.layer) return this.#miss()
      const file = await open(path)
      const actual = await digestOfFile(file, algorithmOf(key.layer), call).catch(async (error) => {
        await file.close()
        throw error
      })
      if (actual === key.layer && sidecar !== 'damaged') {
        const now = new Date(this.#clock.now())
        await utimes(path, now, now).catch(() => {})
        this.#counters.hits++
        return file
      }
      await file.close()
      // Without a sidecar it is what a killed writer left of another version of the same name.
      if (sidecar !== undefined) await this.#drop(path, key)
    } catch (error) {
      call?.signal?.throwIfAborted()
      if (!isAbsence(error)) this.#doWithout(readFailure('CACHE', path, error))
    }
    return this.#miss()
  }

  #miss(): undefined {
    this.#counters.misses++
    return undefined
  }

  async #drop(path: string, { name, version }: CacheKey): Promise<void> {
    this.#report.emit({
      type: 'warning',
      code: 'CACHE_CORRUPT',
      message: `${path} is damaged: ${name} ${version} is fetched again`,
      hint: 'If it happens again, look after the disk.',
    })
    await rm(sidecarOf(path), { force: true }).catch(() => {})
    await rm(path, { force: true }).catch(() => {})
  }

  /** Rethrows what is not the cache's fault. */
  #doWithout(error: unknown): void {
    if (!hasCode(error, 'DISK_FULL', 'CACHE_NOT_WRITABLE', 'CACHE_NOT_READABLE')) throw error
    if (this.#unusable) return
    this.#unusable = true
    this.#report.emit({
      type: 'warning',
      code: 'CACHE_UNUSABLE',
      message: `Packages are not cached: ${messageOf(error)}`,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    })
  }
}
