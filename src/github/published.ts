import type { Effective } from '../config/effective.ts'
import { badInput } from '../core/error.ts'
import type { Report } from '../core/report.ts'
import { parseTarget, type Target } from '../store/address.ts'
import type { Inputs } from './inputs.ts'

type Places = Pick<Effective, 'source' | 'to'>

/**
 * Where a step looks for what is published: the sources that somebody named, else the targets, since what is
 * released goes there. A fresh checkout has nothing in the default of either: with none named, it is said
 * that nothing is compared.
 */
export function publishedIn(settings: Places, report: Report): Target[] {
  const named = namedIn(settings)
  if (named === undefined)
    report.emit({
      type: 'warning',
      code: 'SOURCES_MISSING',
      message:
        'Neither dependencies nor versions are compared with what is published: nothing says where that is',
      hint: 'Name it with sources in slipway.yaml, or with the input source.',
    })
  return named?.value.map(parseTarget) ?? []
}

/**
 * Where the credential of a step that checks a pull request may go: to hosts that the workflow names. Those in
 * `slipway.yaml` are named by whoever opens the pull request.
 * @throws INPUT_INVALID where there is a credential, and no host but from there
 */
export function trustedPlaces(inputs: Inputs, settings: Places): Target[] {
  const named = namedIn(settings)
  if (named === undefined) return []
  if (/^(flag |SLIPWAY_)/.test(named.origin)) return named.value.map(parseTarget)
  if (['username', 'password', 'token'].every((name) => inputs.text(name) === undefined)) return []
  throw badInput(
    'INPUT_INVALID',
    `The step has a credential, but its host stands in ${named.origin} alone, which a pull request can change`,
    { hint: 'Name the host with the input source, too.' },
  )
}

function namedIn({ source, to }: Places): Effective['source'] | undefined {
  return [source, to].find((one) => one.origin !== 'default')
}
