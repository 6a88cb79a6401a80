import { execFileSync } from 'node:child_process'
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { commitAll, git, repositoryWith } from '../git/fixture.ts'
import { type ActHost, actHost } from './act.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const packages = ['taskservs/etcd', 'taskservs/kubernetes', 'taskservs/databases/redis']

let scratch: string
let host: ActHost
let caller: string
let base: string

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'slipway-act-check-'))
  // Of these sources, whatever dist was built from.
  const dist = join(scratch, 'dist')
  execFileSync(process.execPath, [join(root, 'scripts/build.ts'), dist], { cwd: root, stdio: 'pipe' })
  host = actHost(scratch, ['check.yml'], dist)
}, 180_000)
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** The example as its user would adapt it for act, which tells no repository of a called workflow. */
function workflow(): string {
  const text = parse(readFileSync(join(root, 'examples/workflows/check.yml'), 'utf8'))
  text.jobs.check.with = { 'slipway-repository': 'example-org/slipway', 'slipway-ref': 'v0.1.0' }
  const changed = `\${{ needs.check.outputs.changed }}`
  const run = 'echo "changed=$CHANGED"'
  text.jobs.after = {
    needs: 'check',
    'runs-on': 'ubuntu-latest',
    steps: [{ run, env: { CHANGED: changed } }],
  }
  return stringify(text)
}

beforeEach(() => {
  caller = join(mkdtempSync(join(scratch, 'work-')), 'extensions')
  for (const path of packages)
    cpSync(join(root, 'examples/provisioning-extensions', path), join(caller, path), { recursive: true })
  repositoryWith(caller, { '.github/workflows/check.yml': workflow() })
  base = git(caller, 'rev-parse', 'HEAD')
  git(caller, 'checkout', '-q', '-b', 'topic')
})

const edit = (path: string, from: string | RegExp, to: string) =>
  writeFileSync(join(caller, path), readFileSync(join(caller, path), 'utf8').replace(from, to))

/** Opens a pull request from what is in the folder now into main. */
async function openRequest() {
  commitAll(caller)
  const head = { ref: 'topic', sha: git(caller, 'rev-parse', 'HEAD') }
  const payload = {
    action: 'opened',
    number: 1,
    pull_request: { number: 1, head, base: { ref: 'main', sha: base } },
  }
  const { code, stdout, stderr } = await host.run('pull_request', payload, caller)
  return { code, log: stdout + stderr }
}

describe('act runs the pull-request workflow', () => {
  it('on a manifest that a change broke: the annotation has its file and line, and the job fails', async () => {
    edit('taskservs/databases/redis/manifest.yaml', /^version: .*/m, 'version: "7.4"')
    const { code, log } = await openRequest()
    expect(code, log).toBe(1)
    expect(log).toMatch(
      /::error .*file=taskservs\/databases\/redis\/manifest\.yaml,line=3,col=10::\[MANIFEST_VALUE_INVALID\]/,
    )
    expect(log).toContain('1 package checked (1 changed, 0 depend on that)')
    expect(log).not.toContain('| changed=')
  })

  it('on a cycle that a change closes: the whole of it, at the line that closes it', async () => {
    edit('taskservs/etcd/manifest.yaml', 'dependencies: {}', 'dependencies:\n  kubernetes: "*"')
    const { code, log } = await openRequest()
    expect(code, log).toBe(1)
    expect(log).toMatch(
      /::error .*file=taskservs\/etcd\/manifest\.yaml,line=10,col=3::.*kubernetes → etcd → kubernetes/,
    )
    expect(log).toContain('2 packages checked (1 changed, 1 depend on that)')
  })

  it('on a good change: it passes, with its outputs and summary', async () => {
    appendFileSync(join(caller, 'taskservs/etcd/docs/README.md'), '\nMore.\n')
    const { code, log } = await openRequest()
    expect(code, log).toBe(0)
    expect(log).toContain('| changed=["etcd"]')
    expect(log).toContain('Summary - ')
    expect(log).not.toContain('::error')
  })
})
