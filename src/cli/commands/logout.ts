import { logout } from '../../open/login.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { hostOf } from './login.ts'

export async function run({ args, flags, terminal, report }: Invocation): Promise<Outcome> {
  const host = hostOf(args[0] ?? '')
  await using session = await openSession({ settings: flags.settings }, terminal, report)
  const place = await logout(host, session.openOptions)
  return {
    json: { host, place: place ?? null },
    exit: 0,
    text: () =>
      place === undefined
        ? `There was no credential for ${host}`
        : `Removed the credential for ${host} from ${place}`,
  }
}
