import { createHash, type Hash } from 'node:crypto'
import { badInput } from '../core/error.ts'

declare const brand: unique symbol
/** `algorithm:encoded`, checked by `parseDigest`. */
export type Digest = string & { readonly [brand]: 'Digest' }

const lengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 }

/**
 * Accepts the algorithms registered by the image spec ("descriptor.md", Digests) whose content we can check.
 * @throws DIGEST_INVALID
 */
export function parseDigest(text: string): Digest {
  if (!isDigest(text))
    throw badInput('DIGEST_INVALID', `${JSON.stringify(text.slice(0, 200))} is not a digest`, {
      hint: 'Write it as sha256: and 64 hexadecimal digits.',
    })
  return text
}

export function isDigest(text: unknown): text is Digest {
  if (typeof text !== 'string') return false
  const [algorithm = '', encoded = '', ...rest] = text.split(':')
  return rest.length === 0 && lengths[algorithm] === encoded.length && /^[0-9a-f]+$/.test(encoded)
}

export function algorithmOf(digest: Digest): string {
  return digest.slice(0, digest.indexOf(':'))
}

export function encodedOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

export function digestOf(bytes: Uint8Array | string, algorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest
}

/** Digests a stream chunk by chunk. */
export class Digester {
  readonly #algorithm: string
  readonly #hash: Hash
  size = 0

  constructor(algorithm = 'sha256') {
    this.#algorithm = algorithm
    this.#hash = createHash(algorithm)
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk)
    this.size += chunk.byteLength
  }

  digest(): Digest {
    return `${this.#algorithm}:${this.#hash.digest('hex')}` as Digest
  }
}
