import { type CheckedPackage, checkPackage } from '../../src/extension/check.ts'
import { discover } from '../../src/extension/discover.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { memoryTree } from '../../src/tree/memory.ts'
import { subtree } from '../../src/tree/subtree.ts'

type Ranges = Readonly<Record<string, string>>

/** The text of a manifest; dependencies stand one a line from line 7 on. */
export function manifestText(path: string, version = '1.0.0', dependencies: Ranges = {}): string {
  const [folder = '', ...rest] = path.split('/')
  const lines = Object.entries(dependencies).map(([name, range]) => `  ${name}: "${range}"\n`)
  const needs = lines.length === 0 ? '' : `dependencies:\n${lines.join('')}`
  return `name: ${rest.at(-1)}\ntype: ${folder.slice(0, -1)}\nversion: ${version}\ndescription: x\nlicense: MIT\n${needs}`
}

/** The files of an extension without findings. */
export function extensionFiles(
  path: string,
  version?: string,
  dependencies?: Ranges,
): Record<string, string> {
  const files = {
    'manifest.yaml': manifestText(path, version, dependencies),
    'scripts/install.nu': `print ${path}\n`,
    'scripts/check.nu': '',
    'scripts/uninstall.nu': '',
    'templates/x': '',
    'docs/README.md': '',
    'tests/cases.nu': '',
    'kcl/kcl.mod': '[package]\nname = "x"\nversion = "0.0.1"\n',
  }
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${path}/${name}`, text]))
}

/** The checked packages of a repository with these manifests: path to what it depends on. */
export async function checked(manifests: Readonly<Record<string, Ranges>>): Promise<CheckedPackage[]> {
  const files = Object.entries(manifests).map(([path, needs]) => extensionFiles(path, '1.0.0', needs))
  const tree = memoryTree(Object.assign({}, ...files))
  const { packages } = await discover(tree, defaultLayouts)
  return await Promise.all(packages.map((one) => checkPackage(subtree(tree, one.folder), one)))
}
