import type { Digest } from '../oci/digest.ts'

/** Where one package is, as a workspace says it. */
export type PackagePlace =
  | { readonly type: 'oci'; readonly host: string; readonly repository: string }
  /** `repository` is empty where the folder itself is one layout. */
  | { readonly type: 'layout' | 'archive'; readonly path: string; readonly repository: string }
  | { readonly type: 'folder'; readonly path: string }
  | { readonly type: 'tarball'; readonly url: string; readonly digest: Digest }
  /** `tag` is the form of its git tags with `{version}`: `taskservs/kubernetes/v{version}`. */
  | { readonly type: 'git'; readonly url: string; readonly tag: string }
