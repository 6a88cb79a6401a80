declare const SLIPWAY_VERSION: string | undefined

/** The package's version, put in by the build; sources run unbuilt say so. */
export const version = typeof SLIPWAY_VERSION === 'undefined' ? '0.0.0-source' : SLIPWAY_VERSION
