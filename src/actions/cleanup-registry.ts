import { readFileSync } from 'node:fs'
import { dirname, extname, resolve } from 'node:path'
import { loadRetentionYaml, readRetentionYaml } from '../config/retention-yaml.ts'
import { badInput, refused } from '../core/error.ts'
import { cleanupResult } from '../github/cleanup-result.ts'
import { runAction } from '../github/run.ts'
import { cleanupAction } from '../github/table.ts'
import { readPlan } from '../retention/document.ts'
import { located, parseTarget } from '../store/address.ts'
import { cleanup, givenSource } from '../tasks/cleanup.ts'
import { fromSettings } from '../tasks/options.ts'

const written = 'cleanup-plan.json'

await runAction(
  cleanupAction,
  async ({ inputs, session, workspace, unmerged }) => {
    const { layouts, concurrency } = fromSettings(session.settings, session.file)
    const file = inputs.text('file')
    const apply = inputs.toggle('apply')
    if (file === undefined && (!apply || inputs.text('plan') === undefined))
      throw badInput('INPUT_INVALID', 'The step has neither file with rules nor a plan to apply', {
        hint: 'Give file: retention.yaml, or plan with apply: true.',
      })
    // Rules and plan are files that whoever opened it could have written.
    if (apply && unmerged)
      throw refused('DELETION_UNMERGED', 'A run for a pull request deletes nothing', {
        hint: 'Leave apply away to see the plan; carry it out on a schedule, by hand, or after the merge.',
      })
    const plan = inputs.text('plan') ?? written
    const restore = `${plan.slice(0, plan.length - extname(plan).length)}.restore.json`
    const archive = inputs.text('archive')
    const source = givenSource(session.settings.source)
    const result = await cleanup(
      {
        apply,
        layouts,
        concurrency,
        restoreFile: resolve(workspace, restore),
        ...(file === undefined
          ? { plan: resolve(workspace, plan) }
          : {
              retention: await loadRetentionYaml(resolve(workspace, file), file),
              output: resolve(workspace, plan),
            }),
        ...(file === undefined || source === undefined ? {} : { source }),
        ...(archive === undefined ? {} : { archive: located(parseTarget(archive), workspace) }),
      },
      session.context,
    )
    return cleanupResult(result, { plan, restore })
  },
  (inputs, settings, workspace) => {
    const given = givenSource(settings.source)
    const [file, plan] = [inputs.text('file'), inputs.text('plan')]
    if (given !== undefined && file !== undefined) return [given]
    // What is wrong with these files is told when the work itself reads them.
    try {
      const read = (path: string) => readFileSync(resolve(workspace, path), 'utf8')
      if (file === undefined)
        return plan === undefined ? [] : [parseTarget(readPlan(read(plan), plan).basis.source)]
      const { source } = readRetentionYaml(read(file), file, dirname(file))
      return source === undefined ? [] : [parseTarget(source)]
    } catch {
      return []
    }
  },
)
