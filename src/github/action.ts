import { describeSettings, type SettingDescription } from '../config/describe.ts'
import type { SettingName } from '../config/settings.ts'

/** An input that is no setting. */
export interface OwnInput {
  readonly type: 'text' | 'list' | 'toggle' | 'secret'
  readonly description: string
  readonly required?: true
  /** Filled in by the runner; may be an expression. */
  readonly default?: string
}

/** What an `action.yml` says; the file is held to this. */
export interface Action {
  /** Of its bundle in `dist/`. */
  readonly name: string
  readonly title: string
  readonly description: string
  readonly settings: readonly SettingName[]
  readonly own: Readonly<Record<string, OwnInput>>
  readonly outputs: Readonly<Record<string, string>>
}

export interface SettingInput extends SettingDescription {
  /** `moving-tags`: the flag without its dashes. */
  readonly input: string
}

/** The settings an action takes as inputs, in the order of the settings' table. */
export function settingInputs(action: Action): SettingInput[] {
  return describeSettings()
    .filter((one) => action.settings.includes(one.name))
    .map((one) => ({ ...one, input: one.flag.slice(2) }))
}
