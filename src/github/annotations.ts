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

/** One annotation: what stands at one line, or what had to be told together. */
interface Spot {
  readonly level: Level
  readonly file: string | undefined
  readonly place: core.AnnotationProperties
  readonly all: Said[]
}

/**
 * Shows findings at their lines in the pull request or run, each once. Where a step has more than the runner
 * keeps, findings of one line and then of one file share an annotation; what is still too much goes to the
 * log and the summary.
 */
export class Annotations {
  /** What the runner would drop. */
  readonly beyond: Said[] = []
  readonly #workspace: string
  readonly #directory: string
  readonly #counts: Record<Level, number> = { error: 0, warning: 0, notice: 0 }
  readonly #seen = new Set<string>()
  #pending: Spot[] = []

  /** `directory` is what the findings' files are relative to, `workspace` what the runner wants. */
  constructor(workspace: string, directory: string) {
    this.#workspace = workspace
    this.#directory = directory
  }

  /** Shown by `flush`, when it is known how many there are. */
  add({ level, code, message, hint, place }: Finding): void {
    const file = this.#file(place.file)
    const { line, column } = place
    const shown = showPlace({ ...place, file: file ?? place.file })
    const said = { level, code, message, place: shown, ...(hint === undefined ? {} : { hint }) }
    if (!this.#isNew(said)) return
    const properties = {
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { startLine: line }),
      ...(line === undefined || column === undefined ? {} : { startColumn: column }),
    }
    this.#pending.push({ level, file, place: properties, all: [said] })
  }

  /** What belongs to no file; shown at once. */
  say(level: Level, code: string, message: string, hint?: string): void {
    const said = { level, code, message, ...(hint === undefined ? {} : { hint }) }
    if (this.#isNew(said)) this.#emit({ level, file: undefined, place: {}, all: [said] })
  }

  /** Shows what was added. */
  flush(): void {
    for (const level of ['error', 'warning', 'notice'] as const) {
      const spots = this.#pending.filter((one) => one.level === level)
      for (const one of fitted(spots, most[level] - this.#counts[level])) this.#emit(one)
    }
    this.#pending = []
  }

  #emit({ level, place, all }: Spot): void {
    const [first] = all
    if (this.#counts[level] >= most[level] || first === undefined) {
      for (const said of all) this.#pass(said)
      return
    }
    this.#counts[level] += 1
    const text = all
      .map((said) => (said === first ? '' : `${said.place ?? ''}: `) + showSaid(said))
      .join('\n')
    write[level](text.slice(0, longest), { title: first.code, ...place })
    if (text.length > longest) for (const said of all) this.#pass(said)
  }

  #pass(said: Said): void {
    this.beyond.push(said)
    log(`${said.place === undefined ? '' : `${said.place}: `}${said.level}: ${showSaid(said)}`)
  }

  #isNew(said: Said): boolean {
    const key = JSON.stringify(said)
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    return true
  }

  /** Relative to the workspace; what is outside of it cannot be annotated. */
  #file(file: string): string | undefined {
    const path = relative(this.#workspace, isAbsolute(file) ? file : join(this.#directory, file))
    return path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)
      ? undefined
      : path.split(sep).join('/')
  }
}

/**
 * As few spots as there is room for, as long as files allow it: those of one line become one, then the file
 * with the most spots joins its last two, over and over.
 */
function fitted(spots: readonly Spot[], room: number): readonly Spot[] {
  if (spots.length <= room) return spots
  const files = new Map<string, Map<number, Spot>>()
  for (const one of spots) {
    const lines = files.get(one.file ?? '') ?? new Map<number, Spot>()
    files.set(one.file ?? '', lines)
    const line = one.place.startLine ?? 0
    const known = lines.get(line)
    if (known === undefined) lines.set(line, { ...one, all: [...one.all] })
    else known.all.push(...one.all)
  }
  const lists = [...files.values()].map((lines) => [...lines.values()])
  // With more files than room, each is down to one spot; else there are few files to look through.
  if (lists.length >= room) return lists.map(joined)
  for (let left = lists.flat().length; left > room; left--) {
    const fullest = lists.reduce((a, b) => (b.length > a.length ? b : a), [])
    fullest.push(joined(fullest.splice(-2)))
  }
  return lists.flat()
}

function joined([first, ...others]: readonly Spot[]): Spot {
  if (first === undefined) throw new TypeError('nothing to join')
  return { ...first, all: [...first.all, ...others.flatMap((one) => one.all)] }
}

/** `[CODE] message — hint`. */
export function showSaid({ code, message, hint }: Omit<Said, 'level'>): string {
  return `[${code}] ${message}${hint === undefined ? '' : ` — ${hint}`}`
}
