import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadSlipwayYaml, readSlipwayYaml } from '../../src/config/slipway-yaml.ts'
import { SlipwayError } from '../../src/core/error.ts'
import { showFinding } from '../../src/core/finding.ts'
import { defaultLayouts, layoutsWith } from '../../src/extension/kinds.ts'

const scratch = mkdtempSync(join(tmpdir(), 'slipway-config-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const read = (text: string) => readSlipwayYaml(text, 'slipway.yaml', '/repo').value

function findings(text: string): string[] {
  try {
    read(text)
  } catch (error) {
    if (error instanceof SlipwayError) return error.findings.map(showFinding)
    throw error
  }
  return []
}

test('everything the format has is read', () => {
  const value = read(`version: 1
kinds:
  taskserv: {folder: services, gitTag: "{folder}/{name}/{version}", prefix: a/b}
  core: {folder: core, gitTag: "core-v{version}", registryTag: "{version}", repository: core, name: core}
targets: [oci://ghcr.io/example-org/x, layout:out]
sources: [oci://ghcr.io/example-org/x]
core: 3.5.0
gitea: {url: https://git.example.org}
registries:
  localhost:5000: {plainHttp: true, requestsPerSecond: 2.5, timeout: 30, retries: 1, retryDelay: 100ms, retryBackoff: 1.5}
  "[::1]:5000": {ca: a, cert: b, key: c}
test: {command: nu tests/run.nu, timeout: 5m}
`)
  expect(layoutsWith(value.kinds ?? {}).taskserv).toEqual({
    ...defaultLayouts.taskserv,
    folder: 'services',
    gitTag: '{folder}/{name}/{version}',
    prefix: 'a/b',
  })
})

test.each([
  ['target: []', 'slipway.yaml:2:1: error: The key target is unknown (Did you mean targets?)'],
  ['targets: [ghcr.io/x]', 'slipway.yaml:2:11: error: targets[0] is not oci://'],
  ['targets: []', 'slipway.yaml:2:10: error: targets must not be empty'],
  ['core: 3.5', 'slipway.yaml:2:7: error: core must be text, but is the number 3.5'],
  [
    'registries: {h: {plain_http: true}}',
    'slipway.yaml:2:18: error: The key registries.h.plain_http is unknown (Did you mean plainHttp?)',
  ],
  ['registries: {h: {retries: many}}', 'registries.h.retries must be a number, but is the text "many"'],
  ['registries: {h: {retries: 1.5}}', 'registries.h.retries must be a whole number, but is the number 1.5'],
  ['registries: {h: {retries: 100}}', 'registries.h.retries must be at most 20'],
  ['registries: {h: {timeout: [1]}}', 'registries.h.timeout must be a number or text, but is a list'],
  ['registries: {h: {timeout: 1 day}}', 'registries.h.timeout is not a duration'],
  ['registries: {"https://h/x": {}}', 'is not HOST[:PORT]'],
  ['kinds: {taskservs: {}}', 'Did you mean taskserv?'],
  ['kinds: {taskserv: {folder: ../x}}', 'is not a path inside the repository'],
  ['kinds: {taskserv: {gitTag: v1}}', 'must hold {version} once'],
  ['kinds: {taskserv: {gitTag: "{name}/{name}/{version}"}}', 'must hold {version} once'],
  ['kinds: {taskserv: {gitTag: "{version}/{version}"}}', 'must hold {version} once'],
  ['kinds: {taskserv: {gitTag: "{kind}/{version}"}}', 'must hold {version} once'],
  ['kinds: {taskserv: {repository: A}}', 'is not a repository'],
  ['kinds: {taskserv: {registryTag: latest}}', 'must be {version} or v{version}'],
  ['kinds: {core: {registryTag: "{version}-lts"}}', 'must be {version} or v{version}'],
  ['gitea: {url: "https://user:secret@example.org"}', 'is not a URL without a password'],
  ['test: {command: 1}', 'test.command must be text'],
])('%s is refused with its place and remedy', (line, expected) => {
  expect(findings(`version: 1\n${line}\n`)).toEqual([expect.stringContaining(expected)])
})

test('the version of the format is required, and every finding is told at once', () => {
  expect(findings('targets: 1\nfoo: 2\n')).toHaveLength(3)
  expect(findings('version: 2')).toEqual([expect.stringContaining('version must be 1, but is the number 2')])
})

test('patterns answer hostile text at once', () => {
  const start = performance.now()
  const long = '{folder}'.repeat(24)
  findings(
    `version: 1\nkinds: {taskserv: {gitTag: "${long}x", folder: "${'a.'.repeat(99)}!", prefix: "${'a-'.repeat(99)}!"}}`,
  )
  expect(performance.now() - start).toBeLessThan(5000)
})

test('a folder without the file has no configuration, one that cannot be read is an error', async () => {
  expect(await loadSlipwayYaml(scratch)).toBeUndefined()
  writeFileSync(join(scratch, 'slipway.yaml'), 'version: 1\ncore: 3.5.0\n')
  expect(await loadSlipwayYaml(scratch)).toMatchObject({ folder: scratch, value: { core: '3.5.0' } })
  await expect(loadSlipwayYaml(join(scratch, 'slipway.yaml'))).rejects.toMatchObject({
    code: 'CONFIGURATION_UNREADABLE',
    exit: 2,
  })
})
