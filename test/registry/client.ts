import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import type { Limits } from '../../src/core/limits.ts'
import { createTransport } from '../../src/http/client.ts'
import { type Descriptor, descriptorOf } from '../../src/oci/descriptor.ts'
import { type Encoded, encode, type ImageManifest } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { parseTag, type Tag } from '../../src/oci/reference.ts'
import { createAuth } from '../../src/registry/auth.ts'
import type { Credential } from '../../src/registry/credential.ts'
import { openRegistry, type RegistryOptions } from '../../src/registry/registry.ts'
import { contentOf, type Registry, type Store } from '../../src/store/store.ts'
import { type FakeOptions, type FakeRegistry, startFakeRegistry } from '../fake/registry.ts'

/** Retries without waiting. */
export const quick: Partial<Limits> = { retries: 3, retryDelay: 1, retryBackoff: 1 }

export interface Pair {
  readonly fake: FakeRegistry
  readonly registry: Registry
}

/** A fake registry and a client of it; both end with the test. */
export async function start(
  options: FakeOptions = {},
  client: Partial<RegistryOptions> & { readonly credential?: Credential } = {},
): Promise<Pair> {
  const fake = await startFakeRegistry(options)
  const { credential, ...rest } = client
  const registry = connect(fake, credential, rest)
  onTestFinished(async () => {
    await registry[Symbol.asyncDispose]()
    await fake[Symbol.asyncDispose]()
  })
  return { fake, registry }
}

export function connect(
  fake: FakeRegistry,
  credential?: Credential,
  options: Partial<RegistryOptions> = {},
): Registry {
  const transport = createTransport({ limits: quick, environment: {}, userAgent: 'test' })
  const auth = createAuth({ transport, credentials: { for: async () => credential } })
  return openRegistry({
    host: fake.host,
    plainHttp: true,
    auth,
    limits: quick,
    release: async () => transport[Symbol.asyncDispose](),
    ...options,
  })
}

export function blob(bytes: Uint8Array): Descriptor {
  return descriptorOf('application/octet-stream', bytes)
}

/** A blob of random bytes. */
export function random(size: number): { readonly bytes: Uint8Array; readonly content: Descriptor } {
  const bytes = randomBytes(size)
  return { bytes, content: blob(bytes) }
}

export const emptyConfig = new TextEncoder().encode('{}')

export function manifestOf(
  extra: Partial<ImageManifest> = {},
  config: Descriptor = descriptorOf(mediaType.empty, emptyConfig),
): Encoded {
  return encode({
    schemaVersion: 2,
    mediaType: mediaType.manifest,
    config,
    layers: [],
    ...extra,
  })
}

/** Pushes the empty config and a manifest under tags. */
export async function publish(
  store: Store,
  tags: readonly string[] = [],
  extra: Partial<ImageManifest> = {},
): Promise<Encoded> {
  await store.push(descriptorOf(mediaType.empty, emptyConfig), contentOf(emptyConfig))
  const manifest = manifestOf(extra)
  await store.put(manifest)
  await store.tag(manifest, tags.map(parseTag))
  return manifest
}

export const tag = (text: string): Tag => parseTag(text)

export async function read(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(source))
}

/** Whether the registry has these very bytes; comparing megabytes by `toEqual` takes seconds. */
export function holds(
  fake: FakeRegistry,
  repository: string,
  content: Descriptor,
  bytes: Uint8Array,
): boolean {
  return fake.repository(repository)?.blobs.get(content.digest)?.equals(bytes) === true
}

/** What a promise is rejected with; fails the test when it is not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const settled = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in settled) return settled.error
  throw new Error('expected a rejection')
}
