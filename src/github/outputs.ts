import * as core from '@actions/core'
import type { Action } from './action.ts'

/**
 * Hands outputs to the following steps: text as it is, everything else as JSON. An output that is declared
 * and has no value is written empty, so that no expression meets an old one.
 */
export function writeOutputs(action: Action, values: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(action.outputs)) {
    const value = values[name]
    core.setOutput(
      name,
      value === undefined || typeof value === 'string' ? (value ?? '') : JSON.stringify(value),
    )
  }
}
