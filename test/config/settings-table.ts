import { describeSettings } from '../../src/config/describe.ts'

/** The table of all settings in docs/slipway-yaml.md, as it should be. */
export function settingsTable(): string {
  const code = (text: string | undefined) => (text === undefined ? '' : `\`${text.replaceAll('|', '\\|')}\``)
  const rows = describeSettings().map((row) => {
    const flag = row.placeholder === undefined ? row.flag : `${row.flag} ${row.placeholder}`
    return `| ${code(flag)} | ${code(row.variable)} | ${code(row.key)} | ${row.default ?? ''} | ${row.description} |\n`
  })
  return `| flag | variable | key | default | meaning |\n|---|---|---|---|---|\n${rows.join('')}`
}
