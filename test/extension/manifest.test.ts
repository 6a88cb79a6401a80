import { describe, expect, test } from 'vitest'
import { showPlace } from '../../src/core/finding.ts'
import { readManifest } from '../../src/extension/manifest.ts'

const minimal = 'name: redis\ntype: taskserv\nversion: 7.2.4\ndescription: A cache\nlicense: MIT\n'

const found = (text: string) =>
  readManifest(text, 'm.yaml').findings.map(
    (one) => `${showPlace(one.place)} ${one.code} ${one.message} ${one.hint ?? ''}`,
  )

describe('a manifest', () => {
  test('needs name, type and version, and nothing else without a warning but description and license', () => {
    expect(readManifest(minimal, 'm.yaml')).toMatchObject({
      manifest: { name: 'redis', type: 'taskserv', version: '7.2.4' },
      findings: [],
    })
    const bare = readManifest('name: redis\ntype: taskserv\nversion: 7.2.4\n', 'm.yaml')
    expect(bare.manifest).toBeDefined()
    expect(bare.findings.map((one) => one.level)).toEqual(['warning', 'warning'])
    const without = readManifest('description: x\nlicense: MIT\n', 'm.yaml')
    expect(without.manifest).toBeUndefined()
    expect(without.findings.map((one) => one.message)).toEqual([
      'name is missing',
      'type is missing',
      'version is missing',
    ])
  })

  test('keeps unknown keys in the document, and warns with the nearest known one', () => {
    const read = readManifest(`${minimal}dependancies: {}\nx_vendor: {a: [1]}\n`, 'm.yaml')
    expect(read.manifest).not.toHaveProperty('x_vendor')
    expect(read.document).toMatchObject({ x_vendor: { a: [1] } })
    expect(read.findings).toMatchObject([
      {
        code: 'MANIFEST_KEY_UNKNOWN',
        level: 'warning',
        place: { line: 6, column: 1 },
        hint: 'Did you mean dependencies?',
      },
      { code: 'MANIFEST_KEY_UNKNOWN', level: 'warning', place: { line: 7, column: 1 } },
    ])
  })

  test('takes versions back by range, each with a reason of one line', () => {
    const read = readManifest(`${minimal}retracted: {"<7.2.3": loses data}\n`, 'm.yaml')
    expect(read).toMatchObject({ manifest: { retracted: { '<7.2.3': 'loses data' } }, findings: [] })
    expect(found(`${minimal}retracted: {"7 and more": x}\n`)).toEqual([
      expect.stringContaining('m.yaml:6:13 MANIFEST_VALUE_INVALID'),
    ])
    expect(found(`${minimal}retracted: {"<7.2.3": "a\\nb"}\n`)).toEqual([
      expect.stringContaining('must be one line without control characters'),
    ])
  })

  test.each([
    [
      'version: 7.2',
      'm.yaml:3:10 MANIFEST_VALUE_INVALID version must be text, but is the number 7.2 Write "7.2.0".',
    ],
    [
      'version: 1.10',
      'm.yaml:3:10 MANIFEST_VALUE_INVALID version must be text, but is the number 1.10 Write "1.10.0".',
    ],
    ['version: v7.2.0', 'm.yaml:3:10 MANIFEST_VALUE_INVALID version is not a full semantic version'],
    ['version: 7.2.0+x', 'm.yaml:3:10 MANIFEST_VALUE_INVALID version is not a full semantic version'],
    ['version: [1]', 'm.yaml:3:10 MANIFEST_VALUE_INVALID version must be text, but is a list'],
  ])('with %s is refused at the value', (line, expected) => {
    const lines = minimal.split('\n')
    lines[2] = line
    expect(found(lines.join('\n'))).toEqual([expect.stringContaining(expected)])
  })

  test.each([
    ['type: taskserve', 'm.yaml:6:7', 'Did you mean taskserv?'],
    ['name: ../../etc', 'm.yaml:6:7', 'name is not a name'],
    ['name: Redis', 'm.yaml:6:7', 'name is not a name'],
    ['author: "x\\e[31m"', 'm.yaml:6:9', 'control characters'],
    ['homepage: javascript:alert(1)', 'm.yaml:6:11', 'not a URL'],
    ['homepage: https://user:secret@example.org', 'm.yaml:6:11', 'without a password'],
    ['repository: ssh://git:secret@example.org/x', 'm.yaml:6:13', 'without a password'],
    ['tags: redis', 'm.yaml:6:7', 'tags must be a list'],
    ['platforms:\n  - linux', 'm.yaml:7:5', 'platforms[0] is not a platform'],
    ['dependencies:', 'm.yaml:6:', 'dependencies must be a mapping, but is empty'],
    ['dependencies:\n  etcd: newest', 'm.yaml:7:9', 'dependencies.etcd is not a version range'],
    ['dependencies:\n  etcd: 3.5', 'm.yaml:7:9', 'Write "3.5".'],
    ['dependencies:\n  Etcd: ^3.5.0', 'm.yaml:7:3', 'The key dependencies.Etcd is not a name'],
    ['dependencies:\n  redis: ^3.5.0', 'm.yaml:7:3', 'depends on itself'],
    ['min_provisioning_version: 3.5', 'm.yaml:6:27', 'Write "3.5.0".'],
    ['schema: ../other', 'm.yaml:6:9', 'not a path inside the folder'],
    ['schema: /etc', 'm.yaml:6:9', 'not a path inside the folder'],
    ['schema: a/..', 'm.yaml:6:9', 'not a path inside the folder'],
  ])('%j is refused with its place and remedy', (line, place, message) => {
    const key = line.split(':')[0] ?? ''
    const text = `${minimal
      .split('\n')
      .map((one) => (one.startsWith(`${key}:`) ? '#' : one))
      .join('\n')}${line}\n`
    const all = found(text)
    expect(
      all.some((one) => one.startsWith(place) && one.includes(message)),
      all.join('\n'),
    ).toBe(true)
    expect(readManifest(text, 'm.yaml').manifest).toBeUndefined()
  })

  test.each([
    'repository: git@github.com:example-org/x.git',
    'repository: ssh://git@example.org/x.git',
    'repository: https://example.org/x',
    'license: (MIT OR Apache-2.0) AND BSD-3-Clause',
    'schema: schemas/nickel',
    'dependencies: {constructor: ^1.0.0}',
  ])('%s is accepted', (line) => {
    const key = line.split(':')[0] ?? ''
    const text = minimal
      .split('\n')
      .filter((one) => !one.startsWith(`${key}:`))
      .join('\n')
    expect(found(`${text}${line}\n`)).toEqual([])
  })

  test('complains once about one value', () => {
    expect(found(`${minimal}author: ''\nhomepage: ''\n`)).toEqual([
      expect.stringContaining('author must not be empty'),
      expect.stringContaining('homepage must not be empty'),
    ])
  })

  test('tells every finding at once', () => {
    const all = readManifest('nam: x\ntype: 3\nversion: 1\nhomepage: x\ntags: 1\n', 'm.yaml').findings
    expect(all.filter((one) => one.level === 'error')).toHaveLength(5)
  })

  test.each(['', '- a', '"text"', '# only a comment'])('%j is no manifest', (text) => {
    const read = readManifest(text, 'm.yaml')
    expect(read.manifest).toBeUndefined()
    expect(read.findings[0]?.level).toBe('error')
  })
})
