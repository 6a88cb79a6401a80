/**
 * Writes every `action.yml`, and the tables of inputs and outputs in docs/actions.md, from the tables that the
 * actions read their inputs by: `node scripts/actions.ts`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { type Action, settingInputs } from '../src/github/action.ts'
import { actions } from '../src/github/table.ts'

/** One input as users see it. */
interface Input {
  readonly name: string
  readonly description: string
  readonly required: boolean
  readonly default?: string
}

/** The inputs of an action, its own ones first. Settings have no default here: a file or variable may set them. */
export function inputsOf(action: Action): Input[] {
  const own = Object.entries(action.own).map(([name, row]) => ({
    name,
    description: row.description,
    required: row.required === true,
    ...(row.default === undefined ? {} : { default: row.default }),
  }))
  const settings = settingInputs(action).map((one) => {
    const said = one.description.replace('can be given several times', 'several by comma or line')
    const otherwise = one.default === undefined || one.default === 'false' ? '' : `. Default: ${one.default}`
    return { name: one.input, description: `${said}${otherwise}`, required: false }
  })
  return [...own, ...settings]
}

/** The `action.yml` of an action in this folder of the repository. */
export function metadata(folder: string, action: Action): string {
  const up = folder === '.' ? '' : '../'.repeat(folder.split('/').length)
  const document = {
    name: action.title,
    description: action.description,
    author: 'The Slipway maintainers',
    branding: { icon: 'anchor', color: 'blue' },
    inputs: Object.fromEntries(inputsOf(action).map(({ name, ...input }) => [name, input])),
    outputs: Object.fromEntries(
      Object.entries(action.outputs).map(([name, description]) => [name, { description }]),
    ),
    runs: { using: 'node24', main: `${up}dist/${action.name}.mjs` },
  }
  return `# Written by scripts/actions.ts from src/github/table.ts.\n${stringify(document, { lineWidth: 0 })}`
}

/** The document with the tables of every action's inputs and outputs between their marks. */
export function withTables(document: string): string {
  return Object.values(actions).reduce(
    (text, action) =>
      text.replace(
        new RegExp(`(<!-- ${action.name}: inputs and outputs -->\n)[\\s\\S]*?(<!-- end -->)`),
        (_, start: string, end: string) => `${start}\n${tables(action)}\n${end}`,
      ),
    document,
  )
}

function tables(action: Action): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const inputs = inputsOf(action).map(({ name, description, required, default: otherwise }) => {
    const more = otherwise === undefined ? '' : `. Default: \`${otherwise}\``
    return `| \`${name}\`${required ? ' (required)' : ''} | ${cell(description + more)} |`
  })
  const outputs = Object.entries(action.outputs).map(([name, text]) => `| \`${name}\` | ${cell(text)} |`)
  return ['| Input | |', '|---|---|', ...inputs, '', '| Output | |', '|---|---|', ...outputs, ''].join('\n')
}

if (import.meta.main) {
  const root = new URL('../', import.meta.url)
  for (const [folder, action] of Object.entries(actions)) {
    mkdirSync(new URL(`${folder}/`, root), { recursive: true })
    writeFileSync(new URL(`${folder}/action.yml`, root), metadata(folder, action))
  }
  const document = new URL('docs/actions.md', root)
  writeFileSync(document, withTables(readFileSync(document, 'utf8')))
}
