import { badInput } from '../core/error.ts'
import { annotation } from '../oci/annotations.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { artifactTypeOf, type Manifest } from '../oci/manifest.ts'
import { parseTag } from '../oci/reference.ts'
import { type Address, showAddress } from '../store/address.ts'
import type { Context } from './context.ts'

export interface InspectResult {
  readonly reference: string
  readonly digest: Digest
  readonly mediaType: string
  readonly artifactType?: string
  /** Bytes of the manifest. */
  readonly size: number
  readonly manifest: Manifest
  /** The extension's own manifest.yaml, where the artifact carries it. */
  readonly extension?: unknown
  readonly referrers: readonly Descriptor[]
}

/** What stands under a reference, without fetching a blob. @throws REFERENCE_UNKNOWN */
export async function inspect(
  options: { readonly address: Address },
  context: Context,
): Promise<InspectResult> {
  const { address } = options
  const call = { signal: context.signal }
  const store = (await context.open(address)).repository(address.repository)
  const found = await store.manifest(address.digest ?? address.tag ?? parseTag('latest'), call)
  if (found === undefined) throw unknownReference(address)
  const referrers: Descriptor[] = []
  for await (const one of store.referrers(found.descriptor, call)) referrers.push(one)
  const artifactType = artifactTypeOf(found.manifest)
  const extension = extensionOf(found.manifest)
  return {
    reference: showAddress(address),
    digest: found.descriptor.digest,
    mediaType: found.descriptor.mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    size: found.descriptor.size,
    manifest: found.manifest,
    ...(extension === undefined ? {} : { extension }),
    referrers,
  }
}

/** The annotation is somebody else's text: what is not JSON is simply not an extension's manifest. */
function extensionOf(manifest: Manifest): unknown {
  const text = manifest.annotations?.[annotation.manifest]
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unknownReference(address: Address) {
  return badInput('REFERENCE_UNKNOWN', `${showAddress(address)} does not exist`, {
    hint: 'slipway tags shows what is there.',
  })
}
