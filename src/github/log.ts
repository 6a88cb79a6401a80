import * as core from '@actions/core'
import { shortestSecret } from '../core/report.ts'

/**
 * One line of the log. The runner takes lines that begin with `::` or hold `##[` for commands to itself:
 * in text from outside they are broken up, and control characters go.
 */
export function log(text: string): void {
  core.info(harmless(text))
}

/** Text that the runner shows and does not obey. */
export function harmless(text: string): string {
  return text
    .split(/\r\n|[\r\n\u2028\u2029\v\f\x85]/)
    .map((line) =>
      line
        .replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, ' ')
        .replace(/^\s*(?=::)/, '| ')
        .replaceAll('##[', '# #['),
    )
    .join('\n')
}

/**
 * From now on the runner replaces this text in every log; each line of it, since logs are masked by line. Lines that
 * are too short are left out, such as the braces of a key in JSON: the runner would mask them in every later step,
 * too. What it masks by itself, since it is a secret of the repository, it goes on masking.
 */
export function mask(secret: string): void {
  for (const line of secret.split(/\r?\n/)) if (line.trim().length >= shortestSecret) core.setSecret(line)
}
