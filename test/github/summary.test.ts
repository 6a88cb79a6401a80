import { describe, expect, it } from 'vitest'
import { code, fitting, plain, table } from '../../src/github/markdown.ts'
import type { Row } from '../../src/github/result.ts'
import { type Summary, showSummary } from '../../src/github/summary.ts'
import { releaseAction } from '../../src/github/table.ts'

const digest = `sha256:${'a'.repeat(64)}`
const row = (reference: string, more: Partial<Row['targets'][number]> = {}): Row => ({
  title: 'taskserv a',
  version: '1.0.0',
  digest,
  size: 12345,
  targets: [
    {
      target: 'oci://r.example',
      reference,
      outcome: 'published',
      digest: digest as NonNullable<Row['targets'][number]['digest']>,
      moved: {},
      bytes: { uploaded: 1, mounted: 0, present: 0 },
      milliseconds: 120,
      ...more,
    },
  ],
})
const summary = (more: Partial<Summary>) =>
  showSummary({
    action: releaseAction,
    rows: [],
    rehearsals: undefined,
    failures: [],
    beyond: [],
    milliseconds: 1000,
    ...more,
  })

describe('the summary', () => {
  it('tells what was published, what moved and how to pull it', () => {
    const text = summary({ rows: [row('oci://r.example/x/a:1.0.0', { moved: { latest: '1.0.0' } })] })
    expect(text).toContain('12,345 bytes | published | <code>latest &#8594; 1.0.0</code> | 0.12 s |')
    expect(text).toContain('```sh\noras pull r.example/x/a:1.0.0\n```')
  })

  it('shows no way to pull what is not there', () => {
    const error = { code: 'DENIED', message: 'no | <b>', hint: 'Ask.' }
    const rows = [row('oci://r.example/x/a:1.0.0', { outcome: 'failed', error })]
    const text = summary({ rows, failures: [{ level: 'error', ...error }] })
    expect(text).not.toContain('oras pull')
    expect(text).toContain('### Slipway&#58; release extensions: failed')
    expect(text).toContain('**failed** <code>DENIED</code>')
    expect(text).toContain('&#91;DENIED&#93; no &#124; &#60;b&#62; &#8212; Ask.')
  })

  it('takes nothing from outside for Markdown or HTML', () => {
    const hostile = '</code>| <img src=x> [a](https://e.example) @team `x` **b** www.evil.example\n# head ```'
    for (const text of [plain(hostile), code(hostile).slice(6, -7)])
      expect(text.replace(/&#\d+;/g, '')).toMatch(/^[\p{L}\p{N} ./,-]*$/u)
    expect(plain('www.evil.example')).toBe('www&#46;evil.example')
    const text = summary({ rows: [row(`layout:/x\`\`\`\n# ${hostile}#a:1.0.0`)] })
    expect(text).not.toContain('<img')
    expect(text.split('\n').filter((line) => /^(# |```)/.test(line))).toEqual([])
  })

  it('stays below the 1 MiB above which a runner shows none of it', () => {
    const message = '漢'.repeat(4000)
    const beyond = Array.from({ length: 400 }, (_, at) => ({
      level: 'warning' as const,
      code: `C${at}`,
      message,
    }))
    const text = summary({ beyond })
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1_000_000)
    expect(Buffer.byteLength(text)).toBeGreaterThan(900_000)
    expect(text).toContain('The rest does not fit')
    expect(fitting('a\nb\n', 100, 'rest')).toBe('a\nb\n')
  })

  it('cuts long lists and says how many are left', () => {
    const beyond = Array.from({ length: 501 }, (_, at) => ({
      level: 'notice' as const,
      code: 'C',
      message: `${at}`,
    }))
    expect(summary({ beyond })).toContain('… and 1 more.')
    expect(table(['A'], [['b']])).toBe('| A |\n| --- |\n| b |')
  })
})
