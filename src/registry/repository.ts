import type { HttpRequest, HttpResponse } from '../http/transport.ts'
import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'
import type { Scope } from './auth.ts'
import type { Endpoint } from './endpoint.ts'

export type RepositoryRequest = Omit<HttpRequest, 'url'> & {
  /** Below `/v2/<name>/`, or a whole address that the registry handed out. */
  readonly to: string | URL
  /** Rights beyond this repository's, such as pulling from where a blob is mounted. */
  readonly also?: readonly Scope[]
}

/** One repository of an endpoint and what this process knows of its content. */
export class Repository {
  readonly endpoint: Endpoint
  readonly path: string
  /** For errors: `localhost:5000/prefix/kubernetes`. */
  readonly name: string
  readonly id: string
  /** Blobs and manifests seen or brought here. */
  readonly known = new Set<Digest>()
  /** Asked for and not there; the next writer need not ask again. */
  readonly absent = new Set<Digest>()
  /** The registry said that it knows no such repository. */
  fresh = false
  /** From the first write on, one token with both rights serves every request. */
  writing = false
  /** Sent so far, without repetitions and tokens. */
  requests = 0

  constructor(endpoint: Endpoint, path: string) {
    this.endpoint = endpoint
    this.path = path
    this.name = `${endpoint.host}/${path}`
    this.id = `oci://${endpoint.base.host}/${path}`
  }

  send(request: RepositoryRequest): Promise<HttpResponse> {
    const { to, also = [], ...rest } = request
    this.requests++
    const url = typeof to === 'string' ? this.endpoint.url(`${this.path}/${to}`) : to
    const scope: Scope = { repository: this.path, actions: this.writing ? ['pull', 'push'] : ['pull'] }
    return this.endpoint.auth.send({ ...rest, url }, [scope, ...also])
  }

  see(digest: Digest): void {
    this.known.add(digest)
    this.absent.delete(digest)
  }

  forget(digest: Digest): void {
    this.known.delete(digest)
    this.absent.delete(digest)
  }

  /** `host/repository:tag` or `host/repository@digest`. */
  at(reference: Tag | Digest): string {
    return `${this.name}${reference.includes(':') ? '@' : ':'}${reference}`
  }
}
