import { isAbsolute, join, relative, sep } from 'node:path'
import * as core from '@actions/core'
import { type Finding, type Level, showPlace } from '../core/finding.ts'
import { log } from './log.ts'

/** The runner keeps 10 of one level in one step and drops the others; the last error is the failure itself. */
const most: Readonly<Record<Level, number>> = { error: 9, warning: 10, notice: 10 }
const write = { error: core.error, warning: core.warning, notice: core.notice } as const
/** Characters of one message that the runner keeps. */
const longest = 4096

/** Something that was said in a step, annotated or not. */
export interface Said {
  readonly level: Level
  readonly code: string
  readonly message: string
  readonly hint?: string
  /** `file:line:column` relative to the workspace. */
  readonly place?: string
}

/**
 * Shows findings at their lines in the pull request or run. Each is shown once; what exceeds the runner's
 * limits goes to the log and the summary.
 */
export class Annotations {
  /** What the runner would drop. */
  readonly beyond: Said[] = []
  readonly #workspace: string
  readonly #directory: string
  readonly #counts: Record<Level, number> = { error: 0, warning: 0, notice: 0 }
  readonly #seen = new Set<string>()

  /** `directory` is what the findings' files are relative to, `workspace` what the runner wants. */
  constructor(workspace: string, directory: string) {
    this.#workspace = workspace
    this.#directory = directory
  }

  add({ level, code, message, hint, place }: Finding): void {
    const file = this.#file(place.file)
    const { line, column } = place
    const said = { level, code, message, place: showPlace({ ...place, file: file ?? place.file }) }
    this.#emit(hint === undefined ? said : { ...said, hint }, {
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { startLine: line }),
      ...(line === undefined || column === undefined ? {} : { startColumn: column }),
    })
  }

  /** What belongs to no file. */
  say(level: Level, code: string, message: string, hint?: string): void {
    this.#emit({ level, code, message, ...(hint === undefined ? {} : { hint }) }, {})
  }

  #emit(said: Said, place: core.AnnotationProperties): void {
    const { level, code } = said
    const key = JSON.stringify(said)
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    const text = showSaid(said)
    if (this.#counts[level]++ < most[level]) {
      write[level](text.slice(0, longest), { title: code, ...place })
      return
    }
    this.beyond.push(said)
    log(`${said.place === undefined ? '' : `${said.place}: `}${level}: ${text}`)
  }

  /** Relative to the workspace; what is outside of it cannot be annotated. */
  #file(file: string): string | undefined {
    const path = relative(this.#workspace, isAbsolute(file) ? file : join(this.#directory, file))
    return path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)
      ? undefined
      : path.split(sep).join('/')
  }
}

/** `[CODE] message — hint`. */
export function showSaid({ code, message, hint }: Omit<Said, 'level'>): string {
  return `[${code}] ${message}${hint === undefined ? '' : ` — ${hint}`}`
}
