/** What the solver gives one version each: an extension's name, `kcl:<name>`, or `core`. */
export type PackageId = string & { readonly [packageId]: true }
declare const packageId: unique symbol

/** The provisioning system itself, whose version `min_provisioning_version` constrains. */
export const core = 'core' as PackageId

/** Extensions of every kind share one namespace. */
export const extensionId = (name: string) => name as PackageId

export const kclId = (name: string) => `kcl:${name}` as PackageId

export function isKcl(id: PackageId): boolean {
  return id.startsWith('kcl:')
}

/** The name without what tells its namespace. */
export function nameOf(id: PackageId): string {
  return isKcl(id) ? id.slice('kcl:'.length) : id
}
