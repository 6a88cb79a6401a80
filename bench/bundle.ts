import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Where the bundles are: `SLIPWAY_DIST`, else `dist/`. */
export const dist = process.env.SLIPWAY_DIST ?? join(import.meta.dirname, '../dist')

/** How the command line is run: on this Node, from `SLIPWAY_BIN` or the bundle. */
export function slipway(): { readonly program: string; readonly args: readonly string[] } {
  const main = process.env.SLIPWAY_BIN ?? join(dist, 'slipway.mjs')
  if (!existsSync(main)) throw new Error(`${main} is missing: run npm run build first`)
  return { program: process.execPath, args: [main] }
}
