import { randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { badInput, SlipwayError } from '../core/error.ts'
import { showUrl } from '../http/address.ts'
import type { Transport } from '../http/transport.ts'
import { algorithmOf, type Digest, Digester } from '../oci/digest.ts'
import { mediaType } from '../oci/media-type.ts'
import { withoutUser } from '../store/address.ts'
import { writeFailure } from '../store/file-failure.ts'
import type { Call } from '../store/store.ts'
import type { PackageId } from '../version/package-id.ts'
import { failedAt, offline } from './failure.ts'
import { packedPackage } from './packed-package.ts'
import { Remembered } from './remembered.ts'
import type { Candidate, PackageSource } from './source.ts'

export interface TarballSourceOptions {
  /** What the archive is said to hold. */
  readonly id: PackageId
  readonly url: string
  /** Of the archive as it is downloaded; what has another one is not opened. */
  readonly digest: Digest
  readonly transport: Transport
  /** A folder for the download. */
  readonly scratch: () => Promise<string>
  readonly offline?: boolean
  /** Bytes of the archive; default 1 GiB. */
  readonly limit?: number
}

export interface TarballSource extends PackageSource {
  /** Path of the downloaded and verified archive, in the scratch folder. */
  file(call?: Call): Promise<string>
}

const hint = 'Write https://HOST/PATH, without user or password.'

/**
 * One package in an archive behind a web address. It is fetched once, when first asked for, and counts only
 * with the digest that was promised.
 * @throws ADDRESS_INVALID for anything but http and https, or with a user or password
 */
export function tarballSource(options: TarballSourceOptions): TarballSource {
  const url = URL.parse(options.url)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw badInput(
      'ADDRESS_INVALID',
      `${JSON.stringify(withoutUser(options.url).slice(0, 300))} is no web address`,
      {
        hint,
      },
    )
  if (url.username !== '' || url.password !== '')
    throw badInput('ADDRESS_INVALID', `${showUrl(url)} has a user or password`, { hint })
  url.hash = ''
  return new Tarball(options, url)
}

class Tarball implements TarballSource {
  readonly name: string
  readonly #options: TarballSourceOptions
  readonly #url: URL
  readonly #file = new Remembered<{ readonly path: string; readonly size: number }>()
  readonly #candidate = new Remembered<Candidate>()

  constructor(options: TarballSourceOptions, url: URL) {
    this.name = showUrl(url)
    this.#options = options
    this.#url = url
  }

  async versions(id: PackageId, call?: Call) {
    return id === this.#options.id ? [(await this.#read(call)).version] : []
  }

  async candidate(id: PackageId, version: Candidate['version'], call?: Call) {
    if (id !== this.#options.id) return undefined
    const found = await this.#read(call)
    return found.version.version === version.version ? found : undefined
  }

  async names() {
    return [this.#options.id]
  }

  async file(call?: Call): Promise<string> {
    return (await this.#fetched(call)).path
  }

  #read(call: Call | undefined): Promise<Candidate> {
    const { id, digest } = this.#options
    return this.#candidate.of('', async () => {
      const { path, size } = await this.#fetched(call)
      const found = await packedPackage(
        createReadStream(path),
        id,
        { name: this.name, source: this.#url.href },
        call,
      )
      return { ...found, layer: { mediaType: mediaType.layerTarGzip, digest, size } }
    })
  }

  #fetched(call: Call | undefined) {
    return this.#file.of('', async () => {
      if (this.#options.offline === true) throw offline(this.name)
      const path = join(await this.#options.scratch(), `${randomBytes(8).toString('hex')}.tar.gz`)
      try {
        return { path, size: await this.#download(path, call) }
      } catch (error) {
        await rm(path, { force: true }).catch(() => {})
        throw failedAt(this.name, writeFailure('ARCHIVE', path, error))
      }
    })
  }

  /** @throws DOWNLOAD_FAILED, ARCHIVE_TOO_LARGE, DIGEST_MISMATCH */
  async #download(path: string, call: Call = {}): Promise<number> {
    const { digest, transport, limit = 1024 ** 3 } = this.#options
    const response = await transport.send({ method: 'GET', url: this.#url, ...call })
    if (response.status !== 200) {
      await response.discard()
      throw new SlipwayError('DOWNLOAD_FAILED', `${this.name}: the server answered ${response.status}`, {
        hint: 'Check the address, and that it may be read without logging in.',
      })
    }
    const digester = new Digester(algorithmOf(digest))
    const { name } = this
    await pipeline(
      async function* () {
        for await (const chunk of response.body) {
          digester.update(chunk)
          if (digester.size > limit)
            throw badInput('ARCHIVE_TOO_LARGE', `${name} has more than ${limit} bytes`, {
              hint: 'Is this the right address?',
            })
          yield chunk
        }
      },
      createWriteStream(path, { flags: 'wx' }),
    )
    const actual = digester.digest()
    if (actual === digest) return digester.size
    throw new SlipwayError('DIGEST_MISMATCH', `${name} should be ${digest} but is ${actual}`, {
      hint: 'It was replaced since somebody wrote the digest down, or altered on the way. Do not use it.',
    })
  }
}
