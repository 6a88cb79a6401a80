import { SlipwayError } from '../core/error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { algorithmOf, Digester } from '../oci/digest.ts'

/**
 * Passes a stream on while it is checked against its descriptor. Stops as soon as there are more bytes than
 * promised; the digest is known only at the end, so whoever keeps the bytes must not make them visible
 * before this generator returns. `where` names the store or file for messages.
 * @throws DIGEST_MISMATCH, SIZE_MISMATCH
 */
export async function* verified(
  source: AsyncIterable<Uint8Array>,
  expected: Descriptor,
  where: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = new Digester(algorithmOf(expected.digest))
  for await (const chunk of sized(source, expected, where)) {
    digester.update(chunk)
    yield chunk
  }
  const actual = digester.digest()
  if (actual !== expected.digest) throw digestMismatch(expected, actual, where)
}

/**
 * Passes a stream on while its bytes are counted: all that can be checked of a part. `offset` is how many
 * bytes of the content came before it.
 * @throws SIZE_MISMATCH
 */
export async function* sized(
  source: AsyncIterable<Uint8Array>,
  expected: Descriptor,
  where: string,
  offset = 0,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = offset
  for await (const chunk of source) {
    size += chunk.byteLength
    if (size > expected.size) throw sizeMismatch(expected, `more than ${expected.size}`, where)
    yield chunk
  }
  if (size !== expected.size) throw sizeMismatch(expected, `${size}`, where)
}

/** `verified` from the start of the content, `sized` from anywhere else. */
export function checked(
  source: AsyncIterable<Uint8Array>,
  expected: Descriptor,
  where: string,
  offset = 0,
): AsyncGenerator<Uint8Array, void, undefined> {
  return offset === 0 ? verified(source, expected, where) : sized(source, expected, where, offset)
}

const hint = 'The content was damaged on the way or at rest; fetch or build it again.'

function digestMismatch(expected: Descriptor, actual: string, where: string): SlipwayError {
  return new SlipwayError('DIGEST_MISMATCH', `${where}: content of ${expected.digest} digests to ${actual}`, {
    hint,
  })
}

function sizeMismatch(expected: Descriptor, actual: string, where: string): SlipwayError {
  return new SlipwayError(
    'SIZE_MISMATCH',
    `${where}: ${expected.digest} has ${actual} bytes where its descriptor says ${expected.size}`,
    { hint },
  )
}
