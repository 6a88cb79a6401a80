import { badInput, SlipwayError } from '../core/error.ts'
import { algorithmOf, type Digest, Digester } from '../oci/digest.ts'
import { defaultArchiveLimits } from '../tarball/unpack.ts'

/**
 * Passes a stream on while it is digested: a lock knows a layer's digest, but not its size. Whoever keeps the
 * bytes must not make them visible before this generator returns.
 * @throws DIGEST_MISMATCH, ARCHIVE_TOO_LARGE
 */
export async function* verifiedBy(
  digest: Digest,
  source: AsyncIterable<Uint8Array>,
  where: string,
  largest = defaultArchiveLimits.bytes,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = new Digester(algorithmOf(digest))
  for await (const chunk of source) {
    digester.update(chunk)
    if (digester.size > largest)
      throw badInput('ARCHIVE_TOO_LARGE', `${where} has more than ${largest} bytes`, {
        hint: 'No package is that large: whoever sends it does not send this package.',
      })
    yield chunk
  }
  const actual = digester.digest()
  if (actual !== digest)
    throw new SlipwayError('DIGEST_MISMATCH', `${where}: content of ${digest} digests to ${actual}`, {
      hint: 'The content was damaged on the way or replaced; fetch it again, or resolve anew.',
    })
}
