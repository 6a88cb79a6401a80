import { badInput, type SlipwayError } from '../core/error.ts'
import { tagPattern } from './pattern.ts'
import type { PlanInput } from './plan.ts'
import { patternsOf, policyFor } from './policy.ts'
import { subjectOfTag } from './snapshot.ts'

/**
 * A pattern with a typing error protects nothing, and says so only when it is too late.
 * @throws KEEP_PATTERN_UNMATCHED, POLICY_UNMATCHED
 */
export function refuseUnmatched({ policies, snapshots, failed }: PlanInput): void {
  for (const policy of policies) {
    if (policy.builtIn === true) continue
    const mine = [...snapshots.values()].filter((one) => policyFor(policies, one.repository) === policy)
    if ([...failed.keys()].some((one) => policyFor(policies, one) === policy)) continue
    if (mine.length === 0)
      throw unmatched(
        'POLICY_UNMATCHED',
        `The policy ${JSON.stringify(policy.name)} (${policy.repositories.join(', ')}) covers no repository`,
        'Correct it or take it out; of several policies the first that covers a repository holds.',
      )
    const tags = mine.flatMap((one) => [...one.tags.keys()])
    for (const text of patternsOf(policy))
      if (!tags.some((tag) => tagPattern(text)?.matches(tag)))
        throw unmatched(
          'KEEP_PATTERN_UNMATCHED',
          `The policy ${JSON.stringify(policy.name)} keeps tags that match ${JSON.stringify(text)}, and there are none`,
          `Correct it or take it out. Tags there are such as ${tags
            .filter((tag) => subjectOfTag(tag) === undefined)
            .slice(0, 5)
            .join(', ')}.`,
        )
  }
}

function unmatched(
  code: 'POLICY_UNMATCHED' | 'KEEP_PATTERN_UNMATCHED',
  message: string,
  hint: string,
): SlipwayError {
  return badInput(code, message, { hint })
}
