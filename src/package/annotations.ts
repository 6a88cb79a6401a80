import { annotation } from '../oci/annotations.ts'
import type { Annotations } from '../oci/descriptor.ts'

/** A manifest.yaml document as a JSON value. */
export type ManifestDocument = Readonly<Record<string, unknown>>

/**
 * The annotations that depend on the manifest alone: never on the git remote, the environment or the clock.
 */
export function staticAnnotations(name: string, version: string, manifest: ManifestDocument): Annotations {
  const annotations: Record<string, string> = { [annotation.title]: name, [annotation.version]: version }
  const add = (key: string, value: unknown) => {
    if (typeof value === 'string' && value !== '') annotations[key] = value
    else if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string'))
      annotations[key] = value.join(', ')
  }
  add(annotation.description, manifest.description)
  add(annotation.authors, manifest.author ?? manifest.authors)
  add(annotation.licenses, manifest.license)
  add(annotation.url, manifest.homepage)
  add(annotation.source, manifest.repository)
  return annotations
}

/** RFC 3339 in UTC, whole seconds. */
export function showTime(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z')
}
