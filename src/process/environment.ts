/** Variables of a process; read once at the program's entry and passed on as a value. */
export type Environment = Readonly<Record<string, string | undefined>>

const allowed = new Set([
  'PATH',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TERM',
  'COLORTERM',
  'NO_COLOR',
  'FORCE_COLOR',
  'TMPDIR',
  'TMP',
  'TEMP',
  'USER',
  'LOGNAME',
  'SHELL',
  'SOURCE_DATE_EPOCH',
  'CI',
  // Windows programs do not start without these.
  'SYSTEMROOT',
  'SYSTEMDRIVE',
  'COMSPEC',
  'PATHEXT',
])

/**
 * What code of an extension may see: an allow-list, so that a secret under any name stays out, and an
 * empty home, so that no credential file is found. `add` comes last and wins.
 */
export function cleanEnvironment(
  environment: Environment,
  options: { readonly home: string; readonly add?: Readonly<Record<string, string>> },
): Record<string, string> {
  const clean: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment))
    if (value !== undefined && (allowed.has(name.toUpperCase()) || /^LC_[A-Z]+$/.test(name)))
      clean[name] = value
  return { ...clean, HOME: options.home, USERPROFILE: options.home, ...options.add }
}
