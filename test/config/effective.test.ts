import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { describeSettings, showSetting } from '../../src/config/describe.ts'
import { type Configured, effective } from '../../src/config/effective.ts'
import { hostSettings, limitsOf } from '../../src/config/registries.ts'
import { settings } from '../../src/config/settings.ts'
import { readSlipwayYaml } from '../../src/config/slipway-yaml.ts'
import { defaultLimits } from '../../src/core/limits.ts'

const scratch = mkdtempSync(join(tmpdir(), 'slipway-config-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const file = (text: string) => readSlipwayYaml(`version: 1\n${text}`, 'slipway.yaml', '/repo')
const configured = (more: Partial<Configured> = {}): Configured => ({
  folder: '/repo',
  home: '/home/me',
  cwd: '/cwd',
  environment: {},
  file: undefined,
  ...more,
})

function thrown(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('a setting', () => {
  test('comes from the flag, else the variable, else the file, else the default, and says so', () => {
    const all = {
      given: { testTimeout: '1m' },
      environment: { SLIPWAY_TEST_TIMEOUT: '500ms' },
      file: file('test:\n  timeout: 20\n'),
    }
    const chosen = (more: Partial<Configured>) => effective(configured(more)).testTimeout
    expect(chosen(all)).toEqual({ value: 60_000, origin: 'flag --test-timeout' })
    expect(chosen({ ...all, given: {} })).toEqual({ value: 500, origin: 'SLIPWAY_TEST_TIMEOUT' })
    expect(chosen({ file: all.file })).toEqual({ value: 20_000, origin: 'slipway.yaml:3:12' })
    expect(chosen({})).toEqual({ value: 300_000, origin: 'default' })
  })

  test('that is empty counts as not given, as inputs of actions are', () => {
    const { to, allowDirty } = effective(
      configured({ given: { to: '', allowDirty: '' }, environment: { SLIPWAY_TO: ' ' } }),
    )
    expect(to).toEqual({ value: ['layout:/repo/.slipway/registry'], origin: 'default' })
    expect(allowDirty).toEqual({ value: false, origin: 'default' })
  })

  test('with a path starts from the current folder on the command line and from the file in a file', () => {
    const from = (more: Partial<Configured>) => effective(configured(more)).to.value
    expect(from({ given: { to: ['layout:out', 'oci://h/p'] } })).toEqual(['layout:/cwd/out', 'oci://h/p'])
    expect(from({ environment: { SLIPWAY_TO: 'archive:../a.tar' } })).toEqual(['archive:/a.tar'])
    expect(from({ file: file('targets: [layout:out]') })).toEqual(['layout:/repo/out'])
    expect(effective(configured({ given: { cacheDir: 'c' } })).cacheDir.value).toBe('/cwd/c')
    expect(effective(configured()).cacheDir.value).toBe('/home/me/.provisioning/oci-cache')
  })

  test('that is a list may stand in one text, by comma or line', () => {
    const environment = {
      SLIPWAY_TO: 'oci://a/x, oci://b/y\noci://c/z\n',
      SLIPWAY_MOVING_TAGS: 'latest,major',
    }
    const { to, movingTags } = effective(configured({ environment }))
    expect(to.value).toEqual(['oci://a/x', 'oci://b/y', 'oci://c/z'])
    expect(movingTags.value).toEqual(['latest', 'major'])
    expect(effective(configured({ given: { movingTags: 'none' } })).movingTags.value).toEqual([])
  })

  test('that is no value is an error naming it and its origin, all of them at once', () => {
    const error = thrown(() =>
      effective(
        configured({
          given: { compression: '10', to: 'registry.example.org', concurrency: '0' },
          environment: {
            SLIPWAY_ALLOW_DIRTY: 'perhaps',
            SLIPWAY_DEADLINE: '1 day',
            SLIPWAY_MOVING_TAGS: 'newest',
          },
        }),
      ),
    )
    expect(error).toMatchObject({ code: 'SETTING_INVALID', exit: 2 })
    const { message } = error as Error
    expect(message).toContain('flag --compression must be 0 or 1')
    expect(message).toContain(
      'flag --to must be oci://HOST[:PORT]/PREFIX, layout:DIR or archive:FILE, but is "registry',
    )
    expect(message).toContain('SLIPWAY_ALLOW_DIRTY must be true or false, but is "perhaps"')
    expect(message.split('; ')).toHaveLength(6)
  })

  test('is described, with a flag and variable of its own', () => {
    const rows = describeSettings()
    expect(new Set(rows.map((row) => row.flag)).size).toBe(rows.length)
    expect(new Set(rows.map((row) => row.variable)).size).toBe(rows.length)
    for (const row of rows) {
      expect(row.flag).toMatch(/^--[a-z]+(-[a-z]+)*$/)
      expect(row.variable).toMatch(/^SLIPWAY_[A-Z_]+$/)
    }
    expect(rows.find((row) => row.name === 'deadline')).toMatchObject({
      default: '10m',
      placeholder: '<duration>',
    })
    expect(showSetting('movingTags', [])).toBe('none')
    expect(Object.keys(effective(configured()))).toEqual(Object.keys(settings))
  })
})

describe('a host', () => {
  const registries = `registries:
  Registry.example.org:5000:
    timeout: 5s
    retryDelay: 0.25
    retries: 0
    plainHttp: true
    ca: ca.pem
`
  test('has its own settings from the file, which a flag or variable overrides', () => {
    writeFileSync(join(scratch, 'ca.pem'), 'PEM')
    const own = readSlipwayYaml(`version: 1\n${registries}`, 'slipway.yaml', scratch)
    const host = 'registry.example.org:5000'
    const plain = effective(configured({ file: own }))
    expect(hostSettings(plain, own, host)).toMatchObject({
      timeout: 5000,
      retryDelay: 250,
      retries: 0,
      retryBackoff: 2,
      plainHttp: true,
      ca: ['PEM'],
    })
    expect(hostSettings(plain, own, 'other.example.org')).not.toHaveProperty('plainHttp')
    expect(hostSettings(plain, own, 'other.example.org')).toMatchObject({ retries: 3 })
    const overridden = effective(configured({ file: own, given: { retries: '7', plainHttp: false } }))
    expect(hostSettings(overridden, own, host)).toMatchObject({ retries: 7, plainHttp: false, timeout: 5000 })
  })

  test('whose certificate is missing is an error with the file', () => {
    const own = readSlipwayYaml('version: 1\nregistries: {h: {cert: gone.pem}}', 'slipway.yaml', scratch)
    expect(thrown(() => hostSettings(effective(configured({ file: own })), own, 'h'))).toMatchObject({
      code: 'CERTIFICATE_UNREADABLE',
      exit: 2,
      message: expect.stringContaining('gone.pem'),
    })
  })

  test('has the limits of the settings, by default those of the core', () => {
    expect(limitsOf(effective(configured()))).toEqual(defaultLimits)
    const limits = limitsOf(effective(configured({ given: { deadline: '1.5h', concurrency: '4' } })))
    expect(limits).toMatchObject({ deadline: 5_400_000, concurrency: 4 })
  })
})
