import type { Clock } from '../core/clock.ts'
import type { Report } from '../core/report.ts'
import type { Transport } from '../http/transport.ts'
import type { Place } from '../store/address.ts'
import type { Registry } from '../store/store.ts'

/** What a task gets from outside instead of reaching for it. */
export interface Context {
  readonly clock: Clock
  readonly report: Report
  readonly signal: AbortSignal
  /** The environment as a value, for child processes only. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** One object per place; whoever made the context disposes of it. */
  open(place: Place): Promise<Registry>
  /** For what is no registry: an archive behind a web address. One for the run. */
  transport(): Promise<Transport>
  /** A folder outside the checkout that disappears with the context. */
  scratch(): Promise<string>
}
