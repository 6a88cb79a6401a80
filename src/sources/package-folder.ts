import { basename, join } from 'node:path'
import { badInput } from '../core/error.ts'
import { checkPackage } from '../extension/check.ts'
import type { Package } from '../extension/discover.ts'
import type { ExtensionKind } from '../extension/kinds.ts'
import { withKclMod } from '../release/kcl-mods.ts'
import { refuseErrors } from '../release/plan.ts'
import { folderTree } from '../tree/folder.ts'
import { extensionId } from '../version/package-id.ts'
import { describedBy, faultsOf } from './described.ts'
import type { FolderPackage } from './folder-source.ts'
import type { Candidate, PackageSource } from './source.ts'

export interface PackageFolder extends PackageSource {
  /** What lies there. @throws FINDINGS */
  package(): Promise<FolderPackage>
}

/**
 * One extension's folder, wherever it lies, at its own version.
 * @param path absolute
 * @throws FINDINGS when it is asked for and its manifest.yaml is broken or says something else
 */
export function packageFolder(path: string, kind: ExtensionKind, name: string): PackageFolder {
  const id = extensionId(name)
  let reading: Promise<Candidate> | undefined
  const read = () => {
    reading ??= candidateAt(path, { kind, name, folder: basename(path) })
    return reading
  }
  return {
    name: `path:${path}`,
    async versions(asked) {
      const found = asked === id ? await read() : undefined
      return found === undefined ? [] : [found.version]
    },
    async candidate(asked, version) {
      const found = asked === id ? await read() : undefined
      return found?.version.version === version.version ? found : undefined
    },
    names: async () => [id],
    package: async () => ({ candidate: await read(), file: join(path, 'manifest.yaml') }),
  }
}

async function candidateAt(path: string, one: Package): Promise<Candidate> {
  const tree = folderTree(path)
  const { checked, dependencies } = await withKclMod(tree, await checkPackage(tree, one))
  refuseErrors(faultsOf(checked))
  const candidate = describedBy(extensionId(one.name), checked, dependencies, `path:${path}`)
  if (candidate !== undefined) return candidate
  throw badInput('SOURCE_UNUSABLE', `path:${path} has no version`)
}
