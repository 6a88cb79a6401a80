import { join } from 'node:path'
import { badInput } from '../core/error.ts'
import { located, parseTarget, type Target } from '../store/address.ts'
import type { SelectOptions } from '../tasks/options.ts'
import type { Step } from './run.ts'

/**
 * Which packages a step is about: the tags it names, else the tag that the run is for.
 * @throws GIT_TAG_MISSING
 */
export function selection(
  step: Step<'git-tag' | 'snapshot'>,
): Pick<SelectOptions, 'directory' | 'gitTags' | 'snapshot' | 'requireGitTag'> {
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
