import { describe, expect, test } from 'vitest'
import { formatGitTag, parseGitTag } from '../../src/extension/git-tag.ts'
import { defaultLayouts, layoutsWith, registryTagOf, repositoryOf } from '../../src/extension/kinds.ts'

const parse = (tag: string) => {
  const { version, ...rest } = parseGitTag(tag, defaultLayouts)
  return { ...rest, version: version.version }
}

function thrown(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('a git tag', () => {
  test.each([
    ['taskservs/kubernetes/v1.28.0', 'taskserv', 'kubernetes', '1.28.0'],
    ['providers/aws/v2.0.0-rc.1', 'provider', 'aws', '2.0.0-rc.1'],
    ['taskservs/kcl/v1.0.0', 'taskserv', 'kcl', '1.0.0'],
    ['clusters/web/v0.1.0', 'cluster', 'web', '0.1.0'],
    ['kcl/network/v1.0.0', 'kcl', 'network', '1.0.0'],
    ['v3.5.0', 'core', 'provisioning-core', '3.5.0'],
    ['orchestrator/v1.2.3', 'platform', 'orchestrator', '1.2.3'],
  ])('%s names a %s', (tag, kind, name, version) => {
    const expected = { tag, kind, name, version }
    expect(parse(tag)).toEqual(expected)
    expect(parse(`refs/tags/${tag}`)).toEqual(expected)
    expect(formatGitTag(parseGitTag(tag, defaultLayouts), defaultLayouts)).toBe(tag)
  })

  test('may name the category folder', () => {
    expect(parse('taskservs/networking/cilium/v1.15.0')).toEqual({
      tag: 'taskservs/networking/cilium/v1.15.0',
      kind: 'taskserv',
      category: 'networking',
      name: 'cilium',
      version: '1.15.0',
    })
  })

  test.each([
    ['taskserv/kubernetes/v1.28.0', 'Did you mean taskservs/kubernetes/v1.28.0?'],
    ['taskserve/kubernetes/v1.28.0', 'Did you mean taskservs/kubernetes/v1.28.0?'],
    ['provider/aws/v1.0.0', 'Did you mean providers/aws/v1.0.0?'],
    ['taskservs/kubernetes/1.28.0', 'Did you mean taskservs/kubernetes/v1.28.0?'],
    ['taskservs/v1.0.0', 'lower-case'],
    ['taskservs/Kubernetes/v1.0.0', 'lower-case'],
    ['release-1', 'for example taskservs/kubernetes/v1.28.0'],
  ])('%s is refused with the remedy: %s', (tag, hint) => {
    expect(thrown(() => parse(tag))).toMatchObject({
      code: 'GIT_TAG_INVALID',
      exit: 2,
      hint: expect.stringContaining(hint),
    })
  })

  test.each([
    '',
    '-rf/x/v1.0.0',
    'taskservs/../v1.0.0',
    'taskservs/a/../../v1.0.0',
    'taskservs/a b/v1.0.0',
    'taskservs/a\u0000/v1.0.0',
    'taskservs/a\u001b[31m/v1.0.0',
    'taskservs//v1.0.0',
    'taskservs/a/b/c/v1.0.0',
    'taskservs/.hidden/cilium/v1.0.0',
    'taskservs/a/v1.0.0/',
    'taskservs/a/v1.0.0\n',
    'taskservs/a@{1}/v1.0.0',
    'refs/heads/taskservs/a/v1.0.0',
    `taskservs/${'a'.repeat(300)}/v1.0.0`,
    `taskservs/${'a'.repeat(150)}/v1.0.0`,
    `${'a/'.repeat(20_000)}v1.0.0`,
  ])('%j is refused', (tag) => {
    const error = thrown(() => parse(tag)) as Error
    expect(error).toMatchObject({ code: 'GIT_TAG_INVALID', exit: 2 })
    expect(error.message).not.toMatch(/[\x00-\x1f]/)
    expect(error.message.length).toBeLessThan(400)
  })

  test.each([
    ['taskservs/kubernetes/v1.28', 'VERSION_INVALID', 'Write all three numbers: 1.28.0.'],
    ['taskservs/kubernetes/vv1.28.0', 'VERSION_INVALID', 'Write 1.28.0.'],
    ['v3.5.0+linux', 'VERSION_BUILD_METADATA', '"+linux"'],
  ])('%s keeps the reason why its version is refused', (tag, code, hint) => {
    expect(thrown(() => parse(tag))).toMatchObject({
      code,
      exit: 2,
      message: expect.stringContaining(JSON.stringify(tag)),
      hint: expect.stringContaining(hint),
    })
  })
})

describe('layouts', () => {
  test('give each kind its repository and registry tag', () => {
    const { version } = parseGitTag('v3.5.0', defaultLayouts)
    expect(repositoryOf(defaultLayouts, 'taskserv', 'kubernetes')).toBe('kubernetes')
    expect(repositoryOf(defaultLayouts, 'kcl', 'network')).toBe('provisioning-kcl/network')
    expect(repositoryOf(defaultLayouts, 'core', 'provisioning-core')).toBe('provisioning-core')
    expect(registryTagOf(defaultLayouts, 'taskserv', version)).toBe('3.5.0')
    expect(registryTagOf(defaultLayouts, 'core', version)).toBe('v3.5.0')
  })

  test('can be changed, and then tags are read and written by the new pattern', () => {
    const layouts = layoutsWith({ taskserv: { folder: 'ext/services', gitTag: '{name}-{version}' } })
    const release = parseGitTag('rook-ceph-1.2.3', layouts)
    expect(release).toMatchObject({ kind: 'taskserv', name: 'rook-ceph' })
    expect(formatGitTag(release, layouts)).toBe('rook-ceph-1.2.3')
  })

  test('a pattern is literal but for its slots', () => {
    const layouts = layoutsWith({ taskserv: { gitTag: 'a.b+{name}/v{version}' } })
    expect(parseGitTag('a.b+x/v1.0.0', layouts).kind).toBe('taskserv')
    expect(() => parseGitTag('aXb+x/vv/v1.0.0', layouts)).toThrow(/Git tag/)
  })

  test('two kinds cannot share one pattern', () => {
    const run = () => layoutsWith({ platform: { gitTag: 'v{version}', name: 'orchestrator' } })
    expect(thrown(run)).toMatchObject({ code: 'KINDS_AMBIGUOUS', exit: 2 })
  })

  test('a pattern without a name needs the name beside it', () => {
    expect(thrown(() => layoutsWith({ cluster: { gitTag: 'c{version}' } }))).toMatchObject({
      code: 'KINDS_AMBIGUOUS',
    })
  })
})
