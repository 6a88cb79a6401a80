import { parsePlatform } from '../oci/platform.ts'

/** Platforms named in a message; the rest are counted. */
const mostNamed = 5

/**
 * Why a package for these platforms is none for the wanted one; undefined where it is. A package that names no
 * variant is for all; `arm64` and `arm64/v8` are the same (image spec, image-index.md, "Platform Variants").
 * @throws PLATFORM_INVALID for the wanted one
 */
export function platformFault(offered: readonly string[], wanted: string): string | undefined {
  if (offered.length === 0) return undefined
  const one = canonical(wanted)
  if (offered.some((other) => one === canonical(other) || one.startsWith(`${canonical(other)}/`)))
    return undefined
  const named = offered.slice(0, mostNamed).join(', ')
  const more = offered.length > mostNamed ? ` and ${offered.length - mostNamed} more` : ''
  return `is not available for ${wanted} (only ${named}${more})`
}

function canonical(text: string): string {
  const { os, architecture, variant } = parsePlatform(text)
  const usual = architecture === 'arm64' && variant === 'v8'
  return variant === undefined || usual ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`
}
