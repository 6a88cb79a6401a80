import { badInput } from '../core/error.ts'

/** Image spec v1.1, image-index.md: the platform a manifest is for. */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly 'os.version'?: string
}

/**
 * Reads `os/architecture[/variant]`.
 * @throws PLATFORM_INVALID
 */
export function parsePlatform(text: string): Platform {
  const match = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9.]+))?$/.exec(text)
  const [, os, architecture, variant] = match ?? []
  if (os === undefined || architecture === undefined)
    throw badInput('PLATFORM_INVALID', `${JSON.stringify(text)} is not a platform`, {
      hint: 'Write it as os/architecture, such as linux/amd64.',
    })
  return variant === undefined ? { os, architecture } : { os, architecture, variant }
}

export function showPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter((part) => part !== undefined).join('/')
}
