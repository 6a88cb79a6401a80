import { open } from 'node:fs/promises'
import type { Environment } from './environment.ts'

/** Bytes: GitHub sends payloads of at most 25 MB. */
const largest = 32 * 1024 * 1024

/**
 * Names of the commit that a pull request, or a group of a merge queue, is to be merged into; the best first.
 * Undefined in other runs. The branch comes before the commit of the event, which may be older than what the
 * runner checked out.
 */
export async function basesOf(environment: Environment): Promise<string[] | undefined> {
  const { GITHUB_BASE_REF: branch = '', GITHUB_EVENT_PATH: path } = environment
  const event = await read(path)
  if (branch !== '')
    return [`origin/${branch}`, ...commit(within(event, 'pull_request', 'base', 'sha')), branch]
  const queue = commit(within(event, 'merge_group', 'base_sha'))
  return queue.length > 0 ? queue : undefined
}

/**
 * Whether the run is about a change that nobody has merged: of a pull request, of a merge queue, or after such a
 * run, whose files it may have fetched.
 */
export async function isUnmerged(environment: Environment): Promise<boolean> {
  const { GITHUB_EVENT_NAME: name = '', GITHUB_EVENT_PATH: path } = environment
  const cause = name === 'workflow_run' ? within(await read(path), 'workflow_run', 'event') : name
  return typeof cause !== 'string' || cause === 'merge_group' || cause.startsWith('pull_request')
}

/** The event's payload; a runner that keeps none, or a damaged one, only tells less. */
async function read(path: string | undefined): Promise<unknown> {
  if (path === undefined || path === '') return undefined
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const { size } = await file.stat()
    return size > largest ? undefined : JSON.parse(await file.readFile('utf8'))
  } catch {
    return undefined
  } finally {
    await file.close()
  }
}

function within(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as Record<string, unknown>)[key]
        : undefined,
    value,
  )
}

function commit(value: unknown): string[] {
  return typeof value === 'string' && /^[0-9a-f]{40,64}$/.test(value) ? [value] : []
}
