import { SlipwayError } from '../core/error.ts'
import { type Child, start } from '../process/child.ts'
import { stream, tail } from '../process/run.ts'
import { type Git, gitFailed, wholeCommitHint } from './command.ts'

/** What git says about an object. */
export interface ObjectInfo {
  readonly id: string
  readonly type: string
  /** Bytes. */
  readonly size: number
}

/** Blobs beyond this many bytes are streamed by a process of their own. */
const wholeLimit = 1024 * 1024

/**
 * Objects of one repository through two long-lived `git cat-file` processes, started when first needed:
 * one tells type and size, one reads. Asking for a hundred folders starts no further process.
 */
export class Objects implements AsyncDisposable {
  readonly #git: Git
  readonly #root: string
  #check: Batch | undefined
  #contents: Batch | undefined
  /** By id: what an id stands for never changes, and a hundred commits have most of their files in common. */
  readonly #known = new Map<string, Promise<ObjectInfo | undefined>>()

  constructor(git: Git, root: string) {
    this.#git = git
    this.#root = root
  }

  /** Type and size of what a name stands for; undefined when there is no such object. */
  info(name: string): Promise<ObjectInfo | undefined> {
    if (!/^[0-9a-f]{40,64}$/.test(name)) return this.#ask(name)
    const known = this.#known.get(name) ?? this.#ask(name)
    this.#known.set(name, known)
    return known
  }

  async #ask(name: string): Promise<ObjectInfo | undefined> {
    this.#check ??= new Batch(this.#git, this.#root, '--batch-check')
    return (await this.#check.ask(name))?.info
  }

  /** A whole object of known modest size. @throws GIT_OBJECT_MISSING */
  async read(id: string): Promise<Buffer> {
    this.#contents ??= new Batch(this.#git, this.#root, '--batch')
    const answer = await this.#contents.ask(id)
    if (answer === undefined) throw missing(id, this.#root)
    return answer.bytes
  }

  /** A blob from its start. @throws GIT_OBJECT_MISSING */
  async *open(blob: ObjectInfo): AsyncGenerator<Uint8Array> {
    if (blob.size <= wholeLimit) yield await this.read(blob.id)
    else
      yield* stream(this.#git.program, [...this.#git.args, 'cat-file', 'blob', blob.id], {
        cwd: this.#root,
        env: this.#git.env,
        ...(this.#git.signal === undefined ? {} : { signal: this.#git.signal }),
      })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#check?.end(), this.#contents?.end()])
  }
}

export function missing(id: string, root: string): SlipwayError {
  return new SlipwayError('GIT_OBJECT_MISSING', `${root}: git does not have object ${id}`, {
    hint: wholeCommitHint,
  })
}

interface Answer {
  readonly info: ObjectInfo
  readonly bytes: Buffer
}
interface Waiting {
  readonly resolve: (answer: Answer | undefined) => void
  readonly reject: (error: unknown) => void
}

/** One process that answers questions in the order they come. */
class Batch {
  readonly #child: Child
  readonly #withBytes: boolean
  readonly #stderr: () => string
  readonly #root: string
  readonly #waiting: Waiting[] = []
  #failure: unknown

  constructor(git: Git, root: string, mode: '--batch' | '--batch-check') {
    this.#withBytes = mode === '--batch'
    this.#root = root
    this.#child = start(git.program, [...git.args, 'cat-file', mode], {
      cwd: root,
      env: git.env,
      stdin: 'pipe',
      ...(git.signal === undefined ? {} : { signal: git.signal }),
    })
    this.#stderr = tail(this.#child.stderr)
    this.#child.hold(false)
    this.#pump().catch((error: unknown) => this.#fail(error))
  }

  ask(name: string): Promise<Answer | undefined> {
    // A line break would be a second question whose answer someone else gets.
    if (/[\u0000-\u001f\u007f]/.test(name)) return Promise.resolve(undefined)
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ resolve, reject }) === 1) this.#child.hold(true)
      this.#child.stdin.write(`${name}\n`)
    })
  }

  async end(): Promise<void> {
    this.#child.stdin.end()
    this.#child.kill()
    await this.#child.ended.catch(() => {})
  }

  async #pump(): Promise<void> {
    const input = new Input(this.#child.stdout)
    for (let line = await input.line(); line !== undefined; line = await input.line()) {
      const match = /^([0-9a-f]{40,64}) ([a-z]+) ([0-9]+)$/.exec(line)
      const [, id, type, size] = match ?? []
      if (id === undefined || type === undefined || size === undefined) {
        this.#next()?.resolve(undefined)
        continue
      }
      const info = { id, type, size: Number(size) }
      const bytes = this.#withBytes ? await input.bytes(info.size) : Buffer.alloc(0)
      if (this.#withBytes) await input.bytes(1)
      this.#next()?.resolve({ info, bytes })
    }
    await this.#child.ended
    throw gitFailed('cat-file', this.#root, this.#stderr() || 'it ended')
  }

  /** An idle process keeps nobody from ending; one that owes an answer does. */
  #next(): Waiting | undefined {
    const next = this.#waiting.shift()
    if (this.#waiting.length === 0) this.#child.hold(false)
    return next
  }

  #fail(error: unknown): void {
    this.#failure = error
    for (const one of this.#waiting.splice(0)) one.reject(error)
  }
}

/** Lines and counted bytes of one stream. */
class Input {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(from: AsyncIterable<Buffer>) {
    this.#chunks = from[Symbol.asyncIterator]()
  }

  async line(): Promise<string | undefined> {
    let searched = 0
    for (;;) {
      const end = this.#rest.indexOf(10, searched)
      if (end >= 0) {
        const line = this.#rest.toString('utf8', 0, end)
        this.#rest = this.#rest.subarray(end + 1)
        return line
      }
      searched = this.#rest.byteLength
      const next = await this.#chunks.next()
      if (next.done === true) return undefined
      this.#rest = searched === 0 ? next.value : Buffer.concat([this.#rest, next.value])
    }
  }

  async bytes(size: number): Promise<Buffer> {
    const parts = [this.#rest]
    let have = this.#rest.byteLength
    while (have < size) {
      const next = await this.#chunks.next()
      if (next.done === true) throw new Error('git cat-file ended in the middle of an object')
      parts.push(next.value)
      have += next.value.byteLength
    }
    const all = parts.length === 1 ? this.#rest : Buffer.concat(parts)
    this.#rest = all.subarray(size)
    return all.subarray(0, size)
  }
}
