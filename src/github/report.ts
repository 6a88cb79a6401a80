import * as core from '@actions/core'
import { type Event, type Report, secretTooShort, shortestSecret } from '../core/report.ts'
import type { Annotations } from './annotations.ts'
import { harmless, log, mask } from './log.ts'

/** The report of a workflow step: a log with groups, and annotations. */
export class RunnerReport implements Report {
  readonly #annotations: Annotations
  /** What each release or transfer was last said to be doing. */
  readonly #doing = new Map<string, string>()
  #warnedOfShort = false

  constructor(annotations: Annotations) {
    this.#annotations = annotations
  }

  emit(event: Event): void {
    switch (event.type) {
      case 'info':
        log(event.message)
        break
      case 'warning':
        this.#annotations.say('warning', event.code, event.message, event.hint)
        break
      case 'finding':
        this.#annotations.add(event.finding)
        break
      case 'group':
        if (event.state === 'start') core.startGroup(harmless(event.name))
        else core.endGroup()
        break
      case 'progress': {
        // A log is no live display: one line for each step, not for each chunk.
        const line = event.state === 'running' ? event.label : `${event.state}: ${event.label}`
        if (this.#doing.get(event.id) === line) return
        this.#doing.set(event.id, line)
        log(line)
      }
    }
  }

  secret(value: string): void {
    mask(value)
    if (value === '' || value.length >= shortestSecret || this.#warnedOfShort) return
    this.#warnedOfShort = true
    this.emit(secretTooShort)
  }
}
