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

const shown = (annotations: Annotations, ...findings: readonly Finding[]) =>
  logOf(() => {
    for (const one of findings) annotations.add(one)
    annotations.flush()
  })
const count = (log: string, level: string) =>
  log.split('\n').filter((line) => line.startsWith(`::${level} `)).length

describe('annotations', () => {
  it('stand at the place of the finding, relative to the workspace', () => {
    const annotations = new Annotations('/w', '/w/deep/repository')
    expect(shown(annotations, finding(4, { hint: 'Do that.' }))).toBe(
      '::warning title=SOME_CODE,file=deep/repository/taskservs/a/manifest.yaml,line=4,col=3::[SOME_CODE] number 4 — Do that.\n',
    )
  })

  it('name no file that is outside of the workspace, and one whose name only looks like it', () => {
    const annotations = new Annotations('/w', '/elsewhere')
    expect(shown(annotations, finding(1))).not.toContain('file=')
    const odd = new Annotations('/w', '/w')
    expect(shown(odd, finding(1, { place: { file: '..odd.yaml' } }))).toContain('file=..odd.yaml')
  })

  it('are at most ten of a level with the failure of the step; the others go to log and summary', () => {
    const annotations = new Annotations('/w', '/w')
    const many = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].flatMap((number) =>
      (['warning', 'error', 'notice'] as const).map((level) =>
        finding(number, {
          level,
          place: { file: `taskservs/x${number}/manifest.yaml`, line: number, column: 3 },
        }),
      ),
    )
    const log = shown(annotations, ...many)
    expect([count(log, 'error'), count(log, 'warning'), count(log, 'notice')]).toEqual([9, 10, 10])
    expect(annotations.beyond).toHaveLength(7)
    expect(log).toContain('taskservs/x12/manifest.yaml:12:3: warning: [SOME_CODE] number 12')
    expect(log.split('number ')).toHaveLength(37)
  })

  it('share one where there are too many, those of one line first, then the last of the longest file', () => {
    const annotations = new Annotations('/w', '/w')
    const twins = [finding(1), finding(1, { message: 'twin' })]
    const others = [2, 3, 4, 5, 6, 7, 8, 9, 10].map((number) => finding(number))
    const log = shown(annotations, ...twins, ...others, finding(1, { place: { file: 'b', line: 1 } }))
    expect(count(log, 'warning')).toBe(10)
    expect(log).toContain(
      'line=1,col=3::[SOME_CODE] number 1%0Ataskservs/a/manifest.yaml:1:3: [SOME_CODE] twin\n',
    )
    expect(log).toContain('line=8,col=3::[SOME_CODE] number 8\n')
    expect(log).toContain(
      'line=9,col=3::[SOME_CODE] number 9%0Ataskservs/a/manifest.yaml:10:3: [SOME_CODE] number 10\n',
    )
    expect(log).toContain('file=b,line=1')
    expect(annotations.beyond).toEqual([])
  })

  it('are one a file where there are as many files as room', () => {
    const annotations = new Annotations('/w', '/w')
    const files = Array.from({ length: 9 }, (_, at) => `f${at}`)
    const twice = files.flatMap((file) =>
      [1, 2].map((line) => finding(line, { place: { file, line }, level: 'error' })),
    )
    const log = shown(annotations, ...twice)
    expect(count(log, 'error')).toBe(9)
    expect(log).toContain('file=f8,line=1::[SOME_CODE] number 1%0Af8:2: [SOME_CODE] number 2\n')
    expect(annotations.beyond).toEqual([])
  })

  it('that share more than an annotation holds stand in the summary, each of them', () => {
    const annotations = new Annotations('/w', '/w')
    const long = Array.from({ length: 30 }, (_, at) => finding(at, { message: `${at} ${'x'.repeat(400)}` }))
    const log = shown(annotations, ...long)
    expect(count(log, 'warning')).toBe(10)
    expect(annotations.beyond.map((one) => one.message)).toEqual(long.slice(9).map((one) => one.message))
  })

  it('count with what was said at once', () => {
    const annotations = new Annotations('/w', '/w')
    const said = logOf(() => {
      for (const number of [1, 2, 3]) annotations.say('warning', 'ODD', `said ${number}`)
    })
    expect(count(said, 'warning')).toBe(3)
    const files = Array.from({ length: 9 }, (_, at) =>
      finding(at + 1, { place: { file: `f${at}`, line: 1 } }),
    )
    expect(count(shown(annotations, ...files), 'warning')).toBe(7)
    expect(annotations.beyond).toHaveLength(2)
  })

  it('say the same thing once', () => {
    const annotations = new Annotations('/w', '/w')
    expect(shown(annotations, finding(1), finding(1)).trim().split('\n')).toHaveLength(1)
    expect(shown(annotations, finding(1))).toBe('')
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
    expect(logOf(() => mask('{\n  "key": "x"\n}\n'))).toBe('::add-mask::  "key": "x"\n')
  })

  it('says once that a secret is too short to be masked, since the runner would mask every such letter', () => {
    const report = new RunnerReport(new Annotations('/w', '/w'))
    const log = logOf(() => {
      for (const secret of ['a', 'ab', '', 'abc']) report.secret(secret)
    })
    expect(log.match(/add-mask::.*/g)).toEqual(['add-mask::abc'])
    expect(log.match(/::warning .*SECRET_TOO_SHORT/g)).toHaveLength(1)
  })
})
