import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { peer, peerOrSkip, type RegistryKind, run, startRegistry } from './registries.ts'

const zot = peerOrSkip('zot')
const kinds: readonly RegistryKind[] = ['distribution2', 'distribution3', 'referrers', 'zot']
const folders: string[] = []

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'peer-'))
  folders.push(path)
  return path
}

/** Runs oras in a folder that holds `greeting.txt`, with a docker configuration of its own. */
async function orasIn(cwd: string, ...args: string[]) {
  await writeFile(join(cwd, 'greeting.txt'), 'hello\n')
  return run(peer('oras'), args, { cwd, env: { DOCKER_CONFIG: cwd } })
}

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const path of folders.splice(0)) await rm(path, { recursive: true, force: true })
})

for (const kind of kinds) {
  const missing = kind === 'zot' ? zot.reason : undefined
  describe.skipIf(missing !== undefined)(`${kind}${missing ? ` (${missing})` : ''}`, () => {
    it('takes an artifact from oras, lists its referrer and is gone once stopped', async () => {
      const registry = await startRegistry(kind)
      const cwd = await folder()
      const reference = `${registry.url}/greetings/hello:v1`
      try {
        const pushed = await orasIn(cwd, 'push', '--plain-http', reference, 'greeting.txt')
        expect(pushed, pushed.stderr).toMatchObject({ code: 0 })
        const attach = ['attach', '--plain-http', '--artifact-type', 'text/note', reference, 'greeting.txt']
        const attached = await orasIn(cwd, ...attach)
        expect(attached, attached.stderr).toMatchObject({ code: 0 })
        const found = await orasIn(cwd, 'discover', '--plain-http', '--format', 'json', reference)
        expect(JSON.parse(found.stdout).referrers).toMatchObject([{ artifactType: 'text/note' }])

        // Whether clients must write a fallback tag is what the four differ in.
        const { stdout } = await orasIn(
          cwd,
          'repo',
          'tags',
          '--plain-http',
          `${registry.url}/greetings/hello`,
        )
        const fallback = stdout.split('\n').some((tag) => tag.startsWith('sha256-'))
        expect(fallback).toBe(kind === 'distribution2' || kind === 'distribution3')
      } finally {
        await registry.stop()
      }
      await expect(fetch(`http://${registry.url}/v2/`)).rejects.toThrow()
      await expect(readdir(registry.dir)).rejects.toThrow('ENOENT')
    })

    it('refuses who does not know the password', async () => {
      const htpasswd = { user: 'robin', password: 'a pass:word' }
      await using registry = await startRegistry(kind, { htpasswd })
      const cwd = await folder()
      const push = ['push', '--plain-http', `${registry.url}/private:v1`, 'greeting.txt']
      expect(await orasIn(cwd, ...push)).toMatchObject({ code: 1 })
      const wrong = await orasIn(cwd, ...push, '--username', htpasswd.user, '--password', 'guess')
      expect(wrong).toMatchObject({ code: 1 })
      const right = await orasIn(cwd, ...push, '--username', htpasswd.user, '--password', htpasswd.password)
      expect(right, right.stderr).toMatchObject({ code: 0 })
    })
  })
}

describe('a registry with a folder of its own', () => {
  it('still has its content when it is started again', async () => {
    const dir = await folder()
    const cwd = await folder()
    {
      await using registry = await startRegistry('distribution2', { dir })
      const pushed = await orasIn(cwd, 'push', '--plain-http', `${registry.url}/kept:v1`, 'greeting.txt')
      expect(pushed, pushed.stderr).toMatchObject({ code: 0 })
    }
    await using registry = await startRegistry('distribution2', { dir })
    const tags = await orasIn(cwd, 'repo', 'tags', '--plain-http', `${registry.url}/kept`)
    expect(tags.stdout).toBe('v1\n')
  })
})

describe('a peer that is not there', () => {
  it('names what installs it', () => {
    expect(() => peer('no-such-program')).toThrow(/no-such-program is not installed in .*: run \.ci\/peers/)
  })

  it('is skipped by name when it comes as no package, but not when its variable names a missing file', () => {
    vi.stubEnv('SLIPWAY_PEER_TRIVY', '')
    expect(peerOrSkip('trivy').reason).toContain('SLIPWAY_PEER_TRIVY')
    vi.stubEnv('SLIPWAY_PEER_TRIVY', '/nowhere/trivy')
    expect(() => peerOrSkip('trivy')).toThrow('/nowhere/trivy')
  })
})

describe('run', () => {
  it('returns what a program printed, was given and ended with', async () => {
    const script = 'import sys; print(sys.stdin.read()); print("no", file=sys.stderr); sys.exit(3)'
    expect(await run(peer('python'), ['-c', script], { input: 'given' })).toEqual({
      stdout: 'given\n',
      stderr: 'no\n',
      code: 3,
    })
  })

  it('throws when the program takes longer than allowed', async () => {
    const script = 'import time; time.sleep(60)'
    await expect(run(peer('python'), ['-c', script], { timeout: 300 })).rejects.toThrow('did not finish')
  })
})
