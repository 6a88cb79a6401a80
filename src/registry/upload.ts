import { hasCode } from '../core/error.ts'
import type { Body } from '../http/transport.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Call, Content } from '../store/store.ts'
import { uploadChunks } from './chunked.ts'
import { RegistryError } from './errors.ts'
import { mount } from './mount.ts'
import type { Repository } from './repository.ts'
import { Source } from './source.ts'
import { cancel, close, type Opening, openUpload, type Upload } from './upload-steps.ts'

/**
 * Brings a blob to a repository: mounted where the registry has it already, else in one PUT, else in chunks.
 * @throws DIGEST_MISMATCH, SIZE_MISMATCH, UNAUTHORIZED, DENIED, TOO_LARGE, LOCATION_REFUSED
 */
export async function uploadBlob(
  repository: Repository,
  content: Descriptor,
  bytes: Content,
  call: Call,
): Promise<'uploaded' | 'mounted'> {
  const { endpoint } = repository
  const mounted = await mount(repository, content, bytes, call)
  if (mounted === 'mounted') return 'mounted'
  const source = new Source(content, bytes)
  let opening: Opening | undefined = mounted
  let whole: Uint8Array | Body | undefined
  let inChunks = false
  for (let failures = 0; ; ) {
    // Small content is proved right before the registry hears of it.
    whole ??= content.size <= endpoint.sizes.buffered ? await source.readAll() : streamed(content, source)
    opening ??= await openUpload(repository, content, call)
    const upload: Upload = { repository, content, where: repository.at(content.digest), call, ...opening }
    try {
      if (inChunks) await uploadChunks(upload, source)
      else await close(upload, whole, 'uploading')
      return 'uploaded'
    } catch (error) {
      if (source.fault !== undefined || call.signal?.aborted || !mayRestart(error, inChunks)) {
        await cancel(upload)
        throw source.fault === undefined ? error : source.fault.error
      }
      const tooLarge: boolean = hasCode(error, 'TOO_LARGE') && !inChunks
      await cancel(upload)
      opening = undefined
      inChunks ||= tooLarge || content.size > endpoint.sizes.resumable
      if (tooLarge) continue
      failures++
      if (failures > endpoint.limits.retries) throw error
      await endpoint.backOff(failures, call.signal)
    }
  }
}

function streamed(content: Descriptor, source: Source): Body {
  return { size: content.size, open: () => source.open(true) }
}

/** Whether starting over with a new upload can help. */
function mayRestart(error: unknown, inChunks: boolean): boolean {
  if (error instanceof RegistryError && error.status === 413) return !inChunks
  if (error instanceof RegistryError)
    return error.status >= 500 || [404, 408, 416, 429].includes(error.status) || lost.has(error.code)
  return hasCode(error, 'HOST_UNREACHABLE', 'TIMED_OUT')
}

const lost = new Set(['BLOB_UPLOAD_UNKNOWN', 'BLOB_UPLOAD_INVALID', 'DIGEST_INVALID'])
