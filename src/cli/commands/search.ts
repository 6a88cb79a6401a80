import { badInput } from '../../core/error.ts'
import { kinds } from '../../extension/kinds.ts'
import { didYouMean } from '../../extension/nearest.ts'
import { parseTarget } from '../../store/address.ts'
import { fromSettings } from '../../tasks/options.ts'
import { type SearchResult, search } from '../../tasks/search.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { showPackages, showUnread } from '../show-packages.ts'
import { clean, type Paint } from '../text.ts'

export async function run({ args, own, flags, terminal, report }: Invocation): Promise<Outcome> {
  const kind = own.kind === undefined ? undefined : kindOf(String(own.kind))
  await using session = await openSession(flags, terminal, report, (settings) =>
    settings.source.value.map(parseTarget),
  )
  const { layouts, sources, concurrency } = fromSettings(session.settings, session.file)
  const result = await search(
    { words: args, sources, layouts, concurrency, ...(kind === undefined ? {} : { kind }) },
    session.context,
  )
  return {
    json: result,
    exit: result.unread.length > 0 ? 1 : 0,
    text: (paint) => show(result, paint),
  }
}

function show({ packages, suggestions, unread, words }: SearchResult, paint: Paint): string {
  const sources = [...new Set(packages.map((one) => one.source))]
  const found = sources.map((source) => {
    const rows = packages.filter((one) => one.source === source)
    return `${paint('bold', clean(source))}\n${showPackages(rows, paint)}`
  })
  const none = `Nothing was found for ${clean(words.join(' '))}.`
  const meant = suggestions.length === 0 ? '' : ` Did you mean ${clean(suggestions.join(', '))}?`
  return [...(packages.length === 0 ? [`${none}${meant}`] : found), ...showUnread(unread, paint)].join('\n')
}

function kindOf(text: string) {
  const kind = kinds.find((one) => one === text)
  if (kind !== undefined) return kind
  throw badInput('USAGE_INVALID', `--kind ${JSON.stringify(text.slice(0, 40))} is no kind of package`, {
    hint: didYouMean(text, kinds) ?? `Kinds are ${kinds.join(', ')}.`,
  })
}
