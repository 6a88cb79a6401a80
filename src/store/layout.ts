import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { badInput } from '../core/error.ts'
import { parseRepository } from '../oci/reference.ts'
import { isAbsence } from './blob-folder.ts'
import { errnoOf, invalidFiles, readFailure, writeFailure } from './file-failure.ts'
import { LayoutStore } from './layout-store.ts'
import type { Call, Registry, Store } from './store.ts'

export interface LayoutOptions {
  /** A `.gitignore` to write with `*` in it when something is written here and there is none yet. */
  readonly ignoreFile?: string
}

/** Names inside a layout: a repository called so could stand inside another one's files. */
const reserved = ['blobs', 'index.json', 'oci-layout']
/** Levels of folders that are searched for repositories. */
const maxDepth = 16

/**
 * A folder with one OCI image layout per repository (image spec, image-layout.md): `DIR/<repository>/` holds
 * `oci-layout`, `index.json` and `blobs/`, and `org.opencontainers.image.ref.name` is the bare tag. A DIR that
 * itself holds an `oci-layout` file is one repository, whose path is ''. Several processes may write at once.
 * @throws LAYOUT_NOT_WRITABLE, LAYOUT_NOT_READABLE, LAYOUT_INVALID, DISK_FULL, LOCK_TIMED_OUT
 */
export function layoutRegistry(dir: string, options: LayoutOptions = {}): Registry {
  return new LayoutRegistry(resolve(dir), options)
}

class LayoutRegistry implements Registry {
  readonly name: string
  readonly #root: string
  readonly #options: LayoutOptions
  readonly #stores = new Map<string, Store>()
  #ignored: Promise<void> | undefined

  constructor(root: string, options: LayoutOptions) {
    this.name = `layout:${root}`
    this.#root = root
    this.#options = options
  }

  repository(path: string): Store {
    const known = this.#stores.get(path)
    if (known !== undefined) return known
    const store = path === '' ? this.#single() : this.#below(parseRepository(path))
    this.#stores.set(path, store)
    return store
  }

  async *repositories(call?: Call): AsyncGenerator<string> {
    if (isLayout(this.#root)) yield ''
    else yield* this.#search('', 0, call)
  }

  async finish(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stores.clear()
  }

  #single(): Store {
    return new LayoutStore(this.#root, this.name, async () => {
      await this.#ignore()
      if (isLayout(this.#root)) return
      const names = await readdir(this.#root).catch((error: unknown) => {
        if (isAbsence(error)) return []
        throw writeFailure('LAYOUT', this.#root, error)
      })
      const other = names.find((name) => !name.startsWith('.') && !reserved.includes(name))
      if (other !== undefined)
        throw invalidFiles(
          'LAYOUT',
          this.#root,
          `holds ${JSON.stringify(other)} and so cannot become one layout`,
        )
    })
  }

  #below(path: string): Store {
    if (isLayout(this.#root))
      throw badInput(
        'REPOSITORY_INVALID',
        `${this.name} is itself one repository and has none called ${path}`,
        {
          hint: 'Leave the repository away, or name the folder above.',
        },
      )
    const wrong = path.split('/').find((part) => reserved.includes(part))
    if (wrong !== undefined)
      throw badInput(
        'REPOSITORY_INVALID',
        `${path} cannot be a repository in ${this.name}: "${wrong}" is a name inside layouts`,
        {
          hint: 'Choose another name for this part of the path.',
        },
      )
    return new LayoutStore(join(this.#root, path), `${this.name}#${path}`, () => this.#ignore())
  }

  /** Depth first and sorted, so that lists are the same everywhere. Links are not followed. */
  async *#search(path: string, depth: number, call: Call | undefined): AsyncGenerator<string> {
    call?.signal?.throwIfAborted()
    const folder = join(this.#root, path)
    const children = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (isAbsence(error)) return []
      throw readFailure('LAYOUT', folder, error)
    })
    if (path !== '' && children.some((child) => child.name === 'oci-layout')) yield path
    if (depth === maxDepth) return
    const names = children.filter((child) => child.isDirectory()).map((child) => child.name)
    for (const name of names.sort())
      if (!name.startsWith('.') && !reserved.includes(name))
        yield* this.#search(path === '' ? name : `${path}/${name}`, depth + 1, call)
  }

  #ignore(): Promise<void> {
    const file = this.#options.ignoreFile
    if (file === undefined) return Promise.resolve()
    this.#ignored ??= writeIgnoreFile(file)
    return this.#ignored
  }
}

function isLayout(folder: string): boolean {
  return existsSync(join(folder, 'oci-layout'))
}

async function writeIgnoreFile(file: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, '*\n', { flag: 'wx' })
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return
    throw writeFailure('LAYOUT', file, error)
  }
}
