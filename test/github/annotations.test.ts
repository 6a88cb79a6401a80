import { describe, expect, it } from 'vitest'
import type { Finding } from '../../src/core/finding.ts'
import { Annotations } from '../../src/github/annotations.ts'
import { harmless, mask } from '../../src/github/log.ts'
import { RunnerReport } from '../../src/github/report.ts'
import { logOf } from './stdout.ts'

const finding = (number: number, more: Partial<Finding> = {}): Finding => ({
  code: 'SOME_CODE',
  level: 'warning',
  message: `number ${number}`,
  place: { file: 'taskservs/a/manifest.yaml', line: number, column: 3 },
  ...more,
})

describe('annotations', () => {
  it('stand at the place of the finding, relative to the workspace', () => {
    const annotations = new Annotations('/w', '/w/deep/repository')
    expect(logOf(() => annotations.add(finding(4, { hint: 'Do that.' })))).toBe(
      '::warning title=SOME_CODE,file=deep/repository/taskservs/a/manifest.yaml,line=4,col=3::[SOME_CODE] number 4 — Do that.\n',
    )
  })

  it('name no file that is outside of the workspace, and one whose name only looks like it', () => {
    const annotations = new Annotations('/w', '/elsewhere')
    expect(logOf(() => annotations.add(finding(1)))).not.toContain('file=')
    const odd = new Annotations('/w', '/w')
    expect(logOf(() => odd.add(finding(1, { place: { file: '..odd.yaml' } })))).toContain('file=..odd.yaml')
  })

  it('are at most ten of a level with the failure of the step; the others go to log and summary', () => {
    const annotations = new Annotations('/w', '/w')
    const log = logOf(() => {
      for (let number = 1; number <= 12; number++) {
        annotations.add(finding(number))
        annotations.add(finding(number, { level: 'error' }))
        annotations.add(finding(number, { level: 'notice' }))
      }
    })
    const count = (level: string) => log.split('\n').filter((line) => line.startsWith(`::${level} `)).length
    expect([count('error'), count('warning'), count('notice')]).toEqual([9, 10, 10])
    expect(annotations.beyond).toHaveLength(7)
    expect(log).toContain('taskservs/a/manifest.yaml:12:3: warning: [SOME_CODE] number 12')
  })

  it('say the same thing once', () => {
    const annotations = new Annotations('/w', '/w')
    const log = logOf(() => {
      annotations.add(finding(1))
      annotations.add(finding(1))
    })
    expect(log.trim().split('\n')).toHaveLength(1)
  })
})

describe('the log', () => {
  it('gives the runner no command that comes from outside', () => {
    const hostile = 'a\n::set-env name=PATH::/evil\r\n  ::error::x\u2028::debug::y##[add-path]z\u001b[31m'
    const lines = harmless(hostile).split('\n')
    expect(lines.filter((line) => line.trimStart().startsWith('::'))).toEqual([])
    expect(lines.join('\n')).not.toContain('##[')
    expect(lines.join('\n')).not.toContain('\u001b')
    const report = new RunnerReport(new Annotations('/w', '/w'))
    const log = logOf(() => {
      report.emit({ type: 'info', message: hostile })
      report.emit({ type: 'progress', id: 'x', label: hostile, state: 'running' })
      report.emit({ type: 'warning', code: 'ODD', message: hostile })
    })
    expect(log.split('\n').filter((line) => line.startsWith('::'))).toHaveLength(1)
    expect(log).toContain('::warning title=ODD::[ODD] a%0A::set-env')
  })

  it('has one line for each step of a transfer', () => {
    const report = new RunnerReport(new Annotations('/w', '/w'))
    const log = logOf(() => {
      for (const done of [1, 2, 3])
        report.emit({ type: 'progress', id: 'a', label: 'publishing a', state: 'running', done })
      report.emit({ type: 'progress', id: 'a', label: 'a 1.0.0', state: 'done' })
    })
    expect(log).toBe('publishing a\ndone: a 1.0.0\n')
  })

  it('never shows a secret, not even one of several lines', () => {
    expect(logOf(() => mask('one\r\n\ntwo'))).toBe('::add-mask::one\n::add-mask::two\n')
    expect(logOf(() => mask(''))).toBe('')
  })
})
