import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { parseSync } from 'rolldown/utils'

/** A node of the syntax tree (ESTree with TypeScript), as far as these tests look at one. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

/** A function, method or constructor, by the name that calls it. */
export interface Taker {
  readonly file: string
  readonly name: string
  readonly node: Node
  /** Called as `object.name(…)`. */
  readonly member: boolean
}

/** A call or `new`; for `super(…)` the callee is the class that the constructor belongs to. */
export interface Call {
  readonly file: string
  readonly callee: string
  /** Called as `object.name(…)`. */
  readonly member: boolean
  readonly args: readonly Node[]
  readonly scope: readonly Node[]
}

export interface SourceFile {
  /** Relative to the searched folder, with `/`. */
  readonly file: string
  readonly text: string
  readonly program: Node
  readonly takers: readonly Taker[]
  readonly calls: readonly Call[]
  /** What a name of this file is called where it comes from. */
  readonly imports: ReadonlyMap<string, { readonly file: string; readonly name: string }>
}

export function readSources(folder: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => readSource(folder, name.split(sep).join('/')))
}

export function readSource(folder: string, file: string, text = readFileSync(join(folder, file), 'utf8')) {
  const { program, errors } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  const root = program as unknown as Node
  const takers: Taker[] = []
  const calls: Call[] = []
  const imports = new Map<string, { file: string; name: string }>()
  walk(root, [], (node, scope) => {
    const named = takerOf(node, scope)
    if (named !== undefined) takers.push({ file, ...named })
    const callee = calleeOf(node, scope)
    if (callee !== undefined)
      calls.push({ file, ...callee, args: node.arguments as readonly Node[], scope: [...scope] })
    if (node.type === 'ImportDeclaration') {
      const from = String((node.source as Node).value)
      if (!from.startsWith('.')) return
      const path = relative(folder, resolve(dirname(join(folder, file)), from))
        .split(sep)
        .join('/')
      for (const one of node.specifiers as readonly Node[])
        imports.set(nameOf(one.local) ?? '', { file: path, name: nameOf(one.imported) ?? '' })
    }
  })
  return { file, text, program: root, takers, calls, imports } satisfies SourceFile
}

/** Visits every node with the nodes around it, outermost first. */
export function walk(
  node: Node,
  scope: readonly Node[],
  visit: (node: Node, scope: readonly Node[]) => void,
): void {
  visit(node, scope)
  const inner = [...scope, node]
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, inner, visit)
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}

/** The name of an identifier, private name or plain property key. */
export function nameOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined
  if (typeof node.name === 'string') return node.name
  return typeof node.value === 'string' ? node.value : undefined
}

export function isFunction(node: Node): boolean {
  return ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'].includes(node.type)
}

/** A parameter without its default. */
export function bare(parameter: Node): Node {
  return parameter.type === 'AssignmentPattern' ? bare(parameter.left as Node) : parameter
}

function takerOf(node: Node, scope: readonly Node[]): Omit<Taker, 'file'> | undefined {
  if (!isFunction(node)) return undefined
  const parent = scope.at(-1)
  const inClass = parent?.type === 'MethodDefinition'
  const isConstructor = inClass && parent.kind === 'constructor'
  const member = (inClass && !isConstructor) || parent?.type === 'Property'
  const name = isConstructor
    ? classAround(scope)
    : member
      ? nameOf(parent?.key)
      : (nameOf(node.id) ?? (parent?.type === 'VariableDeclarator' ? nameOf(parent.id) : undefined))
  return name === undefined ? undefined : { name, node, member }
}

function calleeOf(node: Node, scope: readonly Node[]): Pick<Call, 'callee' | 'member'> | undefined {
  if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return undefined
  const callee = node.callee as Node
  const owner = scope.findLast((one) => one.type === 'ClassDeclaration')
  const member = callee.type === 'MemberExpression'
  const name = nameOf(member ? callee.property : callee.type === 'Super' ? owner?.superClass : callee)
  return name === undefined ? undefined : { callee: name, member }
}

function classAround(scope: readonly Node[]): string | undefined {
  return nameOf(scope.findLast((one) => one.type === 'ClassDeclaration')?.id)
}
