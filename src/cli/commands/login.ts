import { badInput } from '../../core/error.ts'
import { login } from '../../open/login.ts'
import { parseTarget } from '../../store/address.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession, readPassword } from '../session.ts'

export async function run({ args, flags, terminal, report }: Invocation): Promise<Outcome> {
  const host = hostOf(args[0] ?? '')
  const username = flags.username ?? terminal.environment.SLIPWAY_USERNAME
  if (username === undefined || username === '')
    throw badInput('USERNAME_MISSING', `Nothing says which user logs in to ${host}`, {
      hint: 'Name it with --username.',
    })
  const fromStdin = flags.passwordStdin === true
  const password = fromStdin ? await readPassword(terminal) : terminal.environment.SLIPWAY_PASSWORD
  if (password === undefined || password === '')
    throw badInput('PASSWORD_MISSING', `There is no password for ${host}`, {
      hint: 'Pipe it in with --password-stdin, or set SLIPWAY_PASSWORD.',
    })
  report.secret(password)
  await using session = await openSession({ settings: flags.settings }, terminal, report)
  const source = fromStdin ? '--password-stdin' : 'SLIPWAY_PASSWORD'
  const place = await login({ host, username, password, source }, session.openOptions)
  return { json: { host, username, place }, exit: 0, text: () => `Logged in to ${host}; kept in ${place}` }
}

/** `ghcr.io`, or an address of which only the host counts. */
export function hostOf(text: string): string {
  const target = parseTarget(text.includes('://') ? text : `oci://${text}`)
  if (target.scheme === 'oci') return target.host
  throw badInput('ADDRESS_INVALID', `${JSON.stringify(text)} is not a host`, {
    hint: 'Write ghcr.io or localhost:5000.',
  })
}
