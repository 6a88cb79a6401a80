import { type ErrorDetails, SlipwayError } from '../core/error.ts'
import type { HttpResponse } from '../http/transport.ts'
import type { Endpoint } from './endpoint.ts'

/** One entry of a registry's error answer (distribution spec, "Error Codes"). */
export interface Fault {
  readonly code: string
  readonly message: string
}

/** An answer that was not a success. `status` decides what is worth trying next. */
export class RegistryError extends SlipwayError {
  readonly status: number

  constructor(code: string, message: string, status: number, details: ErrorDetails = {}) {
    super(code, message, details)
    this.status = status
  }
}

/** Errors are small; a hostile registry's are cut off. */
const largestError = 64 * 1024
const kept = new Set([
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_UNKNOWN',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'SIZE_INVALID',
  'UNSUPPORTED',
])

/** What the body of a failed answer says; empty when it is not in the spec's form. */
export async function readFaults(response: HttpResponse): Promise<readonly Fault[]> {
  try {
    const text = new TextDecoder().decode(await response.bytes(largestError))
    const { errors } = JSON.parse(text) as { errors?: unknown }
    if (!Array.isArray(errors)) return []
    return errors.slice(0, 20).flatMap((one: unknown) => {
      if (typeof one !== 'object' || one === null) return []
      const { code, message } = one as Record<string, unknown>
      return typeof code === 'string' ? [{ code: clean(code), message: clean(message) }] : []
    })
  } catch {
    return []
  }
}

/** Reads a failed answer into an error: `host/repository:tag: <what> failed: …`. */
export async function failure(
  endpoint: Endpoint,
  where: string,
  what: string,
  response: HttpResponse,
  details: ErrorDetails = {},
): Promise<RegistryError> {
  return failed(endpoint, where, what, response, await readFaults(response), details)
}

/** As `failure`, for an answer whose body was read already. */
export function failed(
  endpoint: Endpoint,
  where: string,
  what: string,
  response: HttpResponse,
  faults: readonly Fault[],
  details: ErrorDetails = {},
): RegistryError {
  const { status } = response
  const said = faults.map((one) => (one.message === '' ? one.code : `${one.code}: ${one.message}`)).join('; ')
  const answer = `the registry answered ${status}${said === '' ? '' : ` (${said})`}`
  const message = `${where}: ${what} failed: ${answer}`
  if (status === 401 || status === 403) return forbidden(endpoint, status, message, faults, details)
  if (status === 412 || faults.some(saysImmutable))
    return new RegistryError('TAG_IMMUTABLE', message, status, { hint: immutable, exit: 3, ...details })
  if (status === 413) return new RegistryError('TOO_LARGE', message, status, { hint: tooLarge, ...details })
  if (status === 429)
    return new RegistryError('TOO_MANY_REQUESTS', message, status, { hint: tooMany, ...details })
  return new RegistryError(codeOf(faults), message, status, details)
}

/** Whether a registry's words mean that a tag cannot move; they have no common code. */
export function saysImmutable(fault: Fault): boolean {
  return /immutab|already exists|cannot be overwritten/i.test(`${fault.code} ${fault.message}`)
}

function forbidden(
  endpoint: Endpoint,
  status: number,
  message: string,
  faults: readonly Fault[],
  details: ErrorDetails,
): RegistryError {
  const { credential } = endpoint.auth
  const code = status === 401 || faults.some((one) => one.code === 'UNAUTHORIZED') ? 'UNAUTHORIZED' : 'DENIED'
  const sent = credential === undefined ? 'without a credential' : `with ${credential}`
  const hint =
    credential === undefined
      ? `Log in: slipway login ${endpoint.host}. Registries also answer this for repositories that do not exist.`
      : 'The credential was sent but does not allow this; check its rights, and that the repository exists.'
  return new RegistryError(code, `${message}; asked ${endpoint.host} ${sent}`, status, { hint, ...details })
}

function codeOf(faults: readonly Fault[]): string {
  if (faults.some((one) => one.code === 'MANIFEST_BLOB_UNKNOWN')) return 'MANIFEST_BLOB_UNKNOWN'
  return faults.find((one) => kept.has(one.code))?.code ?? 'REGISTRY_ERROR'
}

/** Text from outside on one line, without control characters, short. */
function clean(text: unknown): string {
  if (typeof text !== 'string') return ''
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ')
    .slice(0, 300)
}

const immutable = 'The registry does not let this tag move; release a new version, or change the rule there.'
const tooLarge = 'A proxy before the registry may limit the size of requests; raise its limit.'
const tooMany =
  'Lower registries.<host>.requestsPerSecond, log in for a higher allowance, or try again later.'
