import { createHash } from 'node:crypto'

export interface StoredManifest {
  readonly type: string
  readonly bytes: Buffer
}

export interface StoredUpload {
  readonly repository: string
  bytes: Buffer
  /** The Range that the first PATCH answered. */
  firstRange?: string
  /** A piece below the least length came; only the last may be one. */
  short?: boolean
}

/** What one repository holds. */
export class FakeRepository {
  readonly blobs = new Map<string, Buffer>()
  readonly manifests = new Map<string, StoredManifest>()
  readonly tags = new Map<string, string>()

  find(reference: string): { readonly digest: string; readonly manifest: StoredManifest } | undefined {
    const digest = reference.includes(':') ? reference : this.tags.get(reference)
    const manifest = digest === undefined ? undefined : this.manifests.get(digest)
    return digest === undefined || manifest === undefined ? undefined : { digest, manifest }
  }

  /** Every manifest with this subject, as the referrers API describes it. */
  referrers(subject: string): Record<string, unknown>[] {
    return [...this.manifests].flatMap(([digest, { type, bytes }]) => {
      const manifest = JSON.parse(bytes.toString()) as {
        subject?: { digest?: string }
        artifactType?: string
        config?: { mediaType?: string }
        annotations?: unknown
      }
      if (manifest.subject?.digest !== subject) return []
      return [
        {
          mediaType: type,
          digest,
          size: bytes.byteLength,
          artifactType: manifest.artifactType ?? manifest.config?.mediaType,
          annotations: manifest.annotations,
        },
      ]
    })
  }
}

export class FakeState {
  readonly repositories = new Map<string, FakeRepository>()
  readonly uploads = new Map<string, StoredUpload>()

  repository(path: string): FakeRepository {
    let found = this.repositories.get(path)
    if (found === undefined) {
      found = new FakeRepository()
      this.repositories.set(path, found)
    }
    return found
  }
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** Whether bytes have this digest, whatever its algorithm. */
export function matches(digest: string, bytes: Uint8Array): boolean {
  const [algorithm = '', encoded] = digest.split(':')
  return createHash(algorithm).update(bytes).digest('hex') === encoded
}
