/** A regular file or symbolic link in a tree. Directories are implied by paths. */
export interface TreeFile {
  /** Relative, with `/`, never starting with `/` or containing `..`. */
  readonly path: string
  readonly executable: boolean
  /** Bytes; 0 for a symbolic link. */
  readonly size: number
  /** Set for a symbolic link: its target as written. */
  readonly link?: string
  /** The bytes from the start, each time it is called; nothing for a symbolic link. */
  open(): AsyncIterable<Uint8Array>
}

/** Files to validate, pack and scan: from a git commit or from a folder. */
export interface Tree {
  /** For messages: `examples/x/taskservs/kubernetes at 1a2b3c4` or a folder's path. */
  readonly name: string
  /** The full commit these files come from; undefined for a working tree. */
  readonly commit?: string
  /** The commit's committer time; undefined for a working tree. */
  readonly time?: Date
  /** Every file and symbolic link, in no particular order. */
  files(): AsyncIterable<TreeFile>
  /** One file by its path. */
  file(path: string): Promise<TreeFile | undefined>
  /** Those whose path starts with `prefix`, where they are known without listing the whole tree. */
  under?(prefix: string): readonly TreeFile[]
}
