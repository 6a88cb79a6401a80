import type { Digest } from '../oci/digest.ts'
import { attachedTags } from './closure.ts'
import type { Snapshot } from './snapshot.ts'
import type { Working } from './working.ts'

/** What stands in other repositories than what refers to it: signatures may have one of their own. */
export class Elsewhere {
  readonly #homes = new Map<Digest, Working[]>()
  readonly #byPath: ReadonlyMap<string, Working>
  readonly #complete: boolean
  readonly #own = new Map<string, boolean>()

  /** @param complete whether every repository could be read */
  constructor(byPath: ReadonlyMap<string, Working>, complete: boolean) {
    this.#byPath = byPath
    this.#complete = complete
    for (const one of byPath.values())
      for (const digest of one.snapshot.manifests.keys()) {
        const homes = this.#homes.get(digest)
        if (homes === undefined) this.#homes.set(digest, [one])
        else homes.push(one)
      }
  }

  /**
   * Whether a digest that something in `from` refers to is nowhere. Where `from` holds nothing but signatures
   * (`kubernetes-signatures`), only the repository beside it tells.
   * @param last decisions are final: what goes everywhere is as good as gone
   */
  lacks(subject: Digest, from: Snapshot, last: boolean): boolean {
    const found = this.#homes.get(subject)
    if (found !== undefined) return last && found.every((one) => one.dooms(subject))
    if (!this.#complete) return false
    return this.#holdsOwn(from) || this.#byPath.has(withoutSuffix(from.repository))
  }

  /** Whether there is anything but signatures and other referrers. */
  #holdsOwn(snapshot: Snapshot): boolean {
    const known = this.#own.get(snapshot.repository)
    if (known !== undefined) return known
    const attached = new Set([...attachedTags(snapshot).keys()].map((tag) => snapshot.tags.get(tag)))
    const own = [...snapshot.manifests.values()].some(
      (one) => one.subject === undefined && !attached.has(one.digest),
    )
    this.#own.set(snapshot.repository, own)
    return own
  }
}

function withoutSuffix(repository: string): string {
  return repository.endsWith('-signatures') ? repository.slice(0, -'-signatures'.length) : ''
}
