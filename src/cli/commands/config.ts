import { describeSettings, showSetting } from '../../config/describe.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { clean, columns } from '../text.ts'

export async function run({ flags, terminal, report }: Invocation): Promise<Outcome> {
  await using session = await openSession(flags, terminal, report)
  const { settings, directory, file } = session
  const rows = describeSettings().map(({ name }) => ({ name, ...settings[name] }))
  return {
    json: {
      directory,
      file: file?.name ?? null,
      settings: Object.fromEntries(rows.map(({ name, ...one }) => [name, one])),
    },
    exit: 0,
    text: (paint) =>
      columns(
        rows.map(({ name, value, origin }) => [
          name,
          clean(showSetting(name, value)),
          origin === 'default' ? origin : paint('bold', clean(origin)),
        ]),
      ),
  }
}
