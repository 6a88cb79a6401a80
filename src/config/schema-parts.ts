import * as z from 'zod/mini'
import { parseTarget } from '../store/address.ts'

/** An optional key with what the JSON Schema says of it. */
export function said<S extends z.core.$ZodType>(schema: S, description: string, ...examples: unknown[]) {
  const optional = z.optional(schema)
  z.globalRegistry.add(optional, { description, ...(examples.length > 0 ? { examples } : {}) })
  return optional
}

/** Whether a text is `oci://HOST[:PORT]/PREFIX`, `layout:DIR` or `archive:FILE`. */
export function isTarget(text: string): boolean {
  try {
    parseTarget(text)
    return true
  } catch {
    return false
  }
}
