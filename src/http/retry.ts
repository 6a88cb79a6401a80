import type { Clock } from '../core/clock.ts'
import type { HttpRequest } from './transport.ts'

/** How often and how fast to try again. Milliseconds; `retries` counts after the first attempt. */
export interface RetryPolicy {
  readonly retries: number
  readonly retryDelay: number
  readonly retryBackoff: number
}

const temporary = new Set([408, 429, 500, 502, 503, 504])

/** Whether an answer may be another one in a moment. */
export function isTemporary(status: number): boolean {
  return temporary.has(status)
}

/** Whether a request may reach the server twice. */
export function mayRepeat(request: HttpRequest): boolean {
  return request.retry ?? (request.method !== 'POST' && request.method !== 'PATCH')
}

/** Milliseconds before retry number `attempt` (from 0): exponential, the upper half random. */
export function backoff(policy: RetryPolicy, attempt: number, clock: Clock): number {
  const full = Math.min(policy.retryDelay * policy.retryBackoff ** attempt, 24 * 3600_000)
  return full * (0.5 + clock.random() / 2)
}

/** Longer waits are no instruction any more; keeps dates printable. */
const longest = 365 * 24 * 3600_000

/**
 * Milliseconds that a Retry-After header (RFC 9110, section 10.2.3: seconds or a date) asks to wait;
 * undefined when it is absent or says nothing usable.
 */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Number(text) * 1000, longest)
  // A date has a weekday or month; Date.parse alone would take "-5" for a year.
  if (text.length > 64 || !/[A-Za-z]{3}.*\d{2}:\d{2}:\d{2}/.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), longest)
}
