/** Programs whose own interface deleting goes through. */
export const backends = ['oci', 'zot', 'ghcr', 'harbor'] as const
export type Backend = (typeof backends)[number]
