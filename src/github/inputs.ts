import * as core from '@actions/core'
import type { Given } from '../config/effective.ts'
import { toggle } from '../config/setting-type.ts'
import { type Setting, type SettingName, settings } from '../config/settings.ts'
import { badInput } from '../core/error.ts'
import { type Action, settingInputs } from './action.ts'
import { mask } from './log.ts'

/** The inputs of a step, each checked to be of its type. Empty ones count as not given. */
export class Inputs<Name extends string = string> {
  /** Those that are settings, by the setting's name. */
  readonly settings: Readonly<Partial<Record<SettingName, Given>>>
  readonly #own: ReadonlyMap<string, string>

  constructor(own: ReadonlyMap<string, string>, given: Inputs['settings']) {
    this.#own = own
    this.settings = given
  }

  text(name: Name): string | undefined {
    return this.#own.get(name)
  }

  list(name: Name): readonly string[] {
    return split(this.#own.get(name) ?? '')
  }

  toggle(name: Name): boolean {
    return toggle.parse([this.#own.get(name) ?? 'false'], '') ?? false
  }
}

/** Must come before anything that may write a log line. */
export function maskInputs(action: Action): void {
  for (const [name, row] of Object.entries(action.own)) if (row.type === 'secret') mask(core.getInput(name))
}

/**
 * Reads an action's inputs from the runner.
 * @param base the folder that relative paths start from
 * @throws INPUT_INVALID naming every input that is missing or no value of its type
 */
export function readInputs<A extends Action>(action: A, base: string): Inputs<keyof A['own'] & string> {
  const failures: string[] = []
  const own = new Map<string, string>()
  for (const [name, row] of Object.entries(action.own)) {
    const text = core.getInput(name)
    if (text !== '') own.set(name, text)
    else if (row.required) failures.push(`${name} is required`)
    if (row.type === 'toggle' && text !== '' && toggle.parse([text], base) === undefined)
      failures.push(`${name} must be ${toggle.expects}, but is ${shown(text)}`)
  }
  const given: Partial<Record<SettingName, Given>> = {}
  for (const { name, input } of settingInputs(action)) {
    const row = settings[name] as Setting<unknown>
    const text = core.getInput(input)
    const texts = row.type.list ? split(text) : [text]
    if (text === '') continue
    if (row.type.parse(texts, base) === undefined)
      failures.push(`${input} must be ${row.type.expects}, but is ${shown(text)}`)
    given[name] = row.type.list ? texts : text
  }
  if (failures.length === 0) return new Inputs(own, given)
  throw badInput('INPUT_INVALID', `Wrong inputs of this step: ${failures.join('; ')}`, {
    hint: 'Correct them under with: in the workflow; docs/actions.md lists them all.',
  })
}

function split(text: string): string[] {
  return text
    .split(/[\n,]/)
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
