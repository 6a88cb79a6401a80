import { join } from 'node:path'
import { badInput } from '../core/error.ts'
import { located, parseTarget, type Target } from '../store/address.ts'
import type { ManyOptions, SelectOptions } from '../tasks/options.ts'
import type { Step } from './run.ts'

type Selection = Pick<SelectOptions, 'directory' | 'gitTags' | 'snapshot' | 'requireGitTag'>

/**
 * Which packages a step is about: the tags it names, else the tag that the run is for.
 * @throws GIT_TAG_MISSING
 */
export function selection(step: Step<'git-tag' | 'snapshot'>): Selection {
  const { inputs, tagOfRun, session } = step
  const named = inputs.list('git-tag')
  const gitTags = named.length > 0 || tagOfRun === undefined ? named : [tagOfRun]
  if (gitTags.length === 0)
    throw badInput('GIT_TAG_MISSING', 'This run is for no tag, and the input git-tag is empty', {
      hint: 'Run the workflow on pushed tags, or name one: git-tag: taskservs/kubernetes/v1.28.0.',
    })
  // What a tag stands for is never made up from the working tree when the run is about that tag.
  const requireGitTag = tagOfRun !== undefined
  return { directory: session.directory, gitTags, snapshot: inputs.toggle('snapshot'), requireGitTag }
}

/** The same for a step that may also be about whatever the targets lack. @throws GIT_TAG_MISSING */
export function releaseSelection(
  step: Step<'git-tag' | 'snapshot' | 'all-changed' | 'since' | 'missing-tags'>,
): Selection & ManyOptions {
  const { inputs, session } = step
  const since = inputs.text('since')
  const many = { allChanged: inputs.toggle('all-changed'), missingTags: inputs.toggle('missing-tags') }
  if (!many.allChanged && !many.missingTags && since === undefined) return selection(step)
  return {
    ...many,
    ...(since === undefined ? {} : { since }),
    directory: session.directory,
    gitTags: inputs.list('git-tag'),
    snapshot: inputs.toggle('snapshot'),
    requireGitTag: false,
  }
}

/** Where packages are written: the input, else the default target of the extension repository. */
export function outputOf({ inputs, session, workspace }: Step<'output'>): Target {
  const text = inputs.text('output')
  if (text === undefined)
    return { scheme: 'layout', path: join(session.directory, '.slipway/registry'), prefix: '' }
  const target = parseTarget(text)
  if (target.scheme !== 'oci') return located(target, workspace)
  throw badInput(
    'INPUT_INVALID',
    'The input output is a registry; this action writes a layout or an archive',
    {
      hint: 'Publish it in a later step or job with publish-oci, or do both with the root action.',
    },
  )
}
