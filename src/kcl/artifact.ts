import { annotation } from '../oci/annotations.ts'
import type { Manifest } from '../oci/manifest.ts'

/**
 * Whether kpm, or Slipway for it, wrote this. Such a repository has no moving tags: kpm fails on every tag
 * that it cannot read as a version, when it is asked for the newest.
 */
export function isKclPackage({ annotations = {} }: Manifest): boolean {
  return Object.hasOwn(annotations, annotation.kclName)
}
