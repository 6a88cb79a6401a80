import type { SlipwayError } from '../core/error.ts'
import { type Finding, showFinding } from '../core/finding.ts'
import { type Event, type Report, secretTooShort, shortestSecret } from '../core/report.ts'
import { Progress } from './progress.ts'
import type { Terminal } from './terminal.ts'
import { wantsColour } from './terminal.ts'
import { clean, cleanLines, type Paint, painter } from './text.ts'

export interface ReportStyle {
  readonly quiet: boolean
  readonly verbose: boolean
  readonly colour: boolean
}

type Warning = Omit<Extract<Event, { type: 'warning' }>, 'type'>

/** The report of a terminal: everything goes to stderr, so that stdout holds results alone. */
export class TerminalReport implements Report {
  readonly findings: Finding[] = []
  readonly warnings: Warning[] = []
  readonly #terminal: Terminal
  readonly #style: ReportStyle
  readonly #paint: Paint
  readonly #progress: Progress | undefined
  readonly #secrets = new Set<string>()
  #warnedOfShort = false

  constructor(terminal: Terminal, style: ReportStyle) {
    this.#terminal = terminal
    this.#style = style
    const colour = style.colour && wantsColour(terminal.stderr, terminal.environment)
    this.#paint = painter(colour)
    if (terminal.stderr.isTTY === true && !style.quiet && terminal.environment.TERM !== 'dumb')
      this.#progress = new Progress(terminal.stderr, this.#paint)
  }

  emit(event: Event): void {
    switch (event.type) {
      case 'info':
        if (!this.#style.quiet) this.#write(cleanLines(event.message))
        return
      case 'warning': {
        const { type, ...warning } = event
        this.warnings.push(warning)
        if (!this.#style.quiet) this.#problem('warning', event.code, event.message, event.hint)
        return
      }
      case 'finding':
        this.findings.push(event.finding)
        if (this.#style.quiet && event.finding.level !== 'error') return
        this.finding(event.finding)
        return
      case 'group':
        if (event.state === 'start' && this.#style.verbose)
          this.#write(this.#paint('bold', clean(event.name)))
        return
      case 'progress':
        if (event.state === 'failed' && !this.#style.quiet)
          this.#write(`${this.#paint('red', '✗')} ${clean(event.label)}`)
        if (event.state === 'done' && this.#style.verbose)
          this.#write(`${this.#paint('green', '✓')} ${clean(event.label)}`)
        this.#progress?.show(event)
    }
  }

  secret(value: string): void {
    if (value.length >= shortestSecret) this.#secrets.add(value)
    else if (value !== '' && !this.#warnedOfShort) {
      this.#warnedOfShort = true
      this.emit(secretTooShort)
    }
  }

  /** The text with every known secret replaced. */
  mask(text: string): string {
    let masked = text
    // The longest first: one secret may be part of another.
    for (const secret of [...this.#secrets].sort((a, b) => b.length - a.length))
      masked = masked.replaceAll(secret, '***')
    return masked
  }

  /** `file:line:column: error: …`, as editors read it. */
  finding(finding: Finding): void {
    const line = clean(showFinding(finding))
    const colour = finding.level === 'error' ? 'red' : finding.level === 'warning' ? 'yellow' : 'blue'
    this.#write(line.replace(`: ${finding.level}: `, (level) => this.#paint(colour, level)))
  }

  /** The error that ends the command, with its findings before it. */
  failure(error: SlipwayError): void {
    const shown = new Set(this.findings.map(showFinding))
    for (const finding of error.findings) if (!shown.has(showFinding(finding))) this.finding(finding)
    const side = error.side === undefined ? '' : ` (${error.side})`
    this.#problem('error', error.code, `${error.message}${side}`, error.hint)
  }

  /** A defect of the program itself; the stack only for those who asked for it. */
  defect(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    this.#problem(
      'error',
      'UNEXPECTED',
      `This is a bug in Slipway: ${message}`,
      'Please report it with what you ran; SLIPWAY_DEBUG=1 shows where it happened.',
    )
    const debug = this.#terminal.environment.SLIPWAY_DEBUG
    if ((this.#style.verbose || (debug !== undefined && debug !== '')) && error instanceof Error)
      this.#write(cleanLines(error.stack ?? ''))
  }

  /** The live lines go away; the cursor is left where results may be written. */
  end(): void {
    this.#progress?.end()
  }

  #problem(level: 'error' | 'warning', code: string, message: string, hint: string | undefined): void {
    const colour = level === 'error' ? 'red' : 'yellow'
    this.#write(`${this.#paint(['bold', colour], `${level}[${code}]`)}: ${cleanLines(message)}`)
    if (hint !== undefined) this.#write(`  ${this.#paint('bold', 'hint')}: ${cleanLines(hint)}`)
  }

  #write(text: string): void {
    this.#progress?.clear()
    this.#terminal.stderr.write(`${this.mask(text)}\n`)
    this.#progress?.draw()
  }
}
