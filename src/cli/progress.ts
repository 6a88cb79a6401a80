import type { Event } from '../core/report.ts'
import type { Output } from './terminal.ts'
import { clean, type Paint, showBytes } from './text.ts'

type Step = Extract<Event, { type: 'progress' }>

/** Milliseconds between two drawings: enough to look alive, too little to cost anything. */
const pause = 100
const most = 8

/**
 * The lines at the end of the terminal that say what is under way. Whatever else is written goes above
 * them: call `clear` first and `draw` after.
 */
export class Progress {
  readonly #out: Output
  readonly #paint: Paint
  readonly #running = new Map<string, Step>()
  #lines = 0
  #timer: NodeJS.Timeout | undefined

  constructor(out: Output, paint: Paint) {
    this.#out = out
    this.#paint = paint
  }

  /** Takes one event in; what ended leaves the live lines. */
  show(step: Step): void {
    if (step.state === 'running') this.#running.set(step.id, step)
    else this.#running.delete(step.id)
    this.#timer ??= setTimeout(() => this.draw(), pause).unref()
  }

  clear(): void {
    if (this.#lines > 0) this.#out.write(`\x1b[${this.#lines}A\x1b[J`)
    this.#lines = 0
  }

  draw(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.clear()
    const steps = [...this.#running.values()]
    const lines = steps.slice(0, most).map((step) => this.#line(step))
    if (steps.length > most) lines.push(`  … and ${steps.length - most} more`)
    if (lines.length === 0) return
    this.#out.write(`${lines.join('\n')}\n`)
    this.#lines = lines.length
  }

  /** Nothing is drawn after this. */
  end(): void {
    this.#running.clear()
    this.draw()
  }

  #line({ label, done, total }: Step): string {
    const amount =
      done === undefined
        ? ''
        : total === undefined
          ? showBytes(done)
          : `${showBytes(done)} of ${showBytes(total)}`
    const width = (this.#out.columns ?? 80) - 4
    const text = `${clean(label)}${amount === '' ? '' : `  ${amount}`}`
    return `${this.#paint('cyan', '›')} ${text.length > width ? `${text.slice(0, width - 1)}…` : text}`
  }
}
