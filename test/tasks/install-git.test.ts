import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { depsResolve } from '../../src/tasks/deps-resolve.ts'
import { install } from '../../src/tasks/install.ts'
import { commitAll, git, gitEnv, repositoryWith } from '../git/fixture.ts'
import { serveGit } from '../git/server.ts'
import { temporary } from '../sources/folder.ts'
import { extension, type Project, project, workspaceFile, write } from './solving.ts'

const names = ['a', 'b', 'c']

/** A workspace whose modules are git tags of one repository elsewhere. */
async function withGit() {
  const forge = temporary()
  const origin = join(forge, 'acme/ext.git')
  write(origin, { README: '' })
  repositoryWith(origin, {})
  for (const name of names) write(origin, extension(name, '1.0.0'))
  commitAll(origin)
  for (const name of names) git(origin, 'tag', `taskservs/${name}/v1.0.0`)
  const url = `${await serveGit(forge)}/acme/ext.git`
  const one = project()
  write(one.directory, workspaceFile(names.map((name) => `git+${url}#taskservs/${name}:^1.0.0`)))
  const options = await one.workspace()
  return { one, origin, options }
}

const resolved = (one: Project, options: Awaited<ReturnType<Project['workspace']>>) =>
  one.run((context) =>
    depsResolve(
      { ...one.options(options), frozen: false, dryRun: false },
      { ...context, environment: gitEnv },
    ),
  )

const installed = (one: Project, options: Awaited<ReturnType<Project['workspace']>>) =>
  one.run((context) =>
    install(
      { ...one.options(options), root: one.directory, rollback: false, replace: false, dryRun: false },
      { ...context, environment: gitEnv },
    ),
  )

describe('modules that are git tags of one repository', () => {
  it('are locked with the digest of what the tag holds, and installed side by side', async () => {
    const { one, options } = await withGit()
    const { lock } = await resolved(one, options)
    for (const { layer, source } of lock.packages) {
      expect(layer).toMatch(/^sha256:/)
      expect(source).toMatch(/^git\+http:.*#taskservs\/.\/v1\.0\.0$/)
    }
    const { installed: done } = await installed(one, options)
    expect(done.map(({ id }) => id).sort()).toEqual(names)
    expect(readFileSync(join(one.directory, 'extensions/taskservs/b/scripts/install.nu'), 'utf8')).toBe(
      'print b\n',
    )
  })

  it('are refused once their tag was moved to other files', async () => {
    const { one, origin, options } = await withGit()
    await resolved(one, options)
    write(origin, { 'taskservs/b/scripts/install.nu': 'print something else\n' })
    commitAll(origin)
    git(origin, 'tag', '-f', 'taskservs/b/v1.0.0')
    await expect(installed(one, options)).rejects.toMatchObject({
      code: 'LOCKED_CONTENT_CHANGED',
      message: expect.stringMatching(/#taskservs\/b\/v1\.0\.0 .*sha256:\S+.*sha256:/),
    })
    expect(existsSync(join(one.directory, 'extensions/taskservs/a'))).toBe(false)
    await expect(resolved(one, options)).rejects.toMatchObject({ code: 'LOCKED_CONTENT_CHANGED', exit: 3 })
  })
})
