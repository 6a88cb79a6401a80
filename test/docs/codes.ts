import {
  bare,
  type Call,
  isFunction,
  isNode,
  type Node,
  nameOf,
  type SourceFile,
  type Taker,
  walk,
} from './syntax.ts'

/** How a code reaches the user: the exit code of an error, or as a line of the report. */
export type Way = '1' | '2' | '3' | '130' | 'finding' | 'warning'

export interface Codes {
  /** Every code with its ways, sorted. */
  readonly codes: ReadonlyMap<string, ReadonlySet<Way>>
  /** Expressions whose value cannot be told, as `file: expression`. */
  readonly unknown: ReadonlySet<string>
  /** Entries of `computed` that were looked up. */
  readonly used: ReadonlySet<string>
}

/**
 * What stands in for an expression that only a run could tell: its values, or the name of a constant set or
 * list in the same file whose elements they are. Keyed by `file: expression`.
 */
export type Computed = Readonly<Record<string, readonly string[] | { readonly elementsOf: string }>>

/** These take a code first, and what they make ends the program with this exit code unless told otherwise. */
const makers: Readonly<Record<string, Way>> = { SlipwayError: '1', badInput: '2', refused: '3' }

/** What a code expression can be; `exit` where a call on the way says it. */
interface Value {
  readonly text: string
  readonly exit?: Way | 'passed on' | undefined
}

/**
 * Every code that a source can give an error, a warning or a finding. A code that is a parameter is followed to
 * all calls, through files; one that cannot be followed is reported, never left out.
 */
export function codesOf(sources: readonly SourceFile[], computed: Computed): Codes {
  const search = new Search(sources, computed)
  for (const source of sources) {
    for (const call of source.calls) {
      const exit = makers[call.callee]
      const known = source.imports.has(call.callee) || source.takers.some((one) => one.name === call.callee)
      if (exit !== undefined && known)
        search.take(source, call.args[0], call.scope, exitIn(call.args) ?? exit)
    }
    walk(source.program, [], (node, scope) => {
      const found = codeProperty(node)
      if (found !== undefined) search.take(source, found.code, [...scope, node], found.way)
    })
  }
  return search
}

/** `code` of an object that is a finding (it has a level) or an event of the report (its type is a warning). */
function codeProperty(node: Node): { code: Node; way: Way | 'passed on' } | undefined {
  if (node.type !== 'ObjectExpression') return undefined
  const code = property(node, 'code')
  if (code === undefined) return undefined
  // What is said of an error has a level too, but only a finding has a place.
  if (property(node, 'level') !== undefined)
    return { code, way: property(node, 'place') === undefined ? 'passed on' : 'finding' }
  return property(node, 'type') === undefined ? undefined : { code, way: 'warning' }
}

/** `exit: 3` in the object that a call ends with; `passed on` where that is another error's. */
function exitIn(args: readonly Node[]): Way | 'passed on' | undefined {
  const last = args.at(-1)
  const exit = last?.type === 'ObjectExpression' ? property(last, 'exit') : undefined
  if (exit === undefined) return undefined
  return exit.value === 1 || exit.value === 2 || exit.value === 3 || exit.value === 130
    ? (String(exit.value) as Way)
    : 'passed on'
}

function property(node: Node, name: string): Node | undefined {
  const properties = node.properties as readonly Node[]
  return properties.find((one) => one.type === 'Property' && nameOf(one.key) === name)?.value as
    | Node
    | undefined
}

class Search implements Codes {
  readonly codes = new Map<string, Set<Way>>()
  readonly unknown = new Set<string>()
  readonly used = new Set<string>()
  readonly #sources: readonly SourceFile[]
  readonly #computed: Computed
  readonly #aliases = new Map<string, readonly string[]>()
  readonly #running = new Set<string>()

  constructor(sources: readonly SourceFile[], computed: Computed) {
    this.#sources = sources
    this.#computed = computed
    for (const source of sources)
      walk(source.program, [], (node) => {
        if (node.type !== 'TSTypeAliasDeclaration') return
        const values = literalsOf(node.typeAnnotation as Node)
        if (values !== undefined) this.#aliases.set(nameOf(node.id) ?? '', values)
      })
  }

  take(
    source: SourceFile,
    expression: Node | undefined,
    scope: readonly Node[],
    way: Way | 'passed on',
  ): void {
    if (expression === undefined) return
    for (const { text, exit } of this.#values(source, expression, scope)) {
      const ways = this.codes.get(text) ?? new Set<Way>()
      const own = exit ?? way
      this.codes.set(text, own === 'passed on' ? ways : ways.add(own))
    }
  }

  #values(source: SourceFile, node: Node, scope: readonly Node[]): readonly Value[] {
    const inner = (key: string) => this.#values(source, node[key] as Node, scope)
    const known = this.#computed[keyOf(source, node)]
    if (known !== undefined) return this.#computedValues(source, node, known)
    switch (node.type) {
      case 'Literal':
        return typeof node.value === 'string' ? [{ text: node.value }] : this.#giveUp(source, node)
      case 'ConditionalExpression':
        return [...inner('consequent'), ...inner('alternate')]
      case 'LogicalExpression':
        return [...inner('left'), ...inner('right')]
      case 'TSAsExpression':
      case 'TSSatisfiesExpression':
      case 'TSNonNullExpression':
      case 'ParenthesizedExpression':
        return inner('expression')
      case 'TemplateLiteral':
        return this.#template(source, node, scope)
      case 'Identifier':
        return this.#identifier(source, node, scope)
      case 'CallExpression':
        return this.#call(source, node, scope)
      case 'MemberExpression':
        // Another error's or finding's code, which was found where that was made.
        return nameOf(node.property) === 'code' ? [] : this.#giveUp(source, node)
      default:
        return this.#giveUp(source, node)
    }
  }

  #template(source: SourceFile, node: Node, scope: readonly Node[]): readonly Value[] {
    const parts = (node.quasis as readonly Node[]).map((one) => (one.value as { cooked: string }).cooked)
    let values: readonly Value[] = [{ text: parts[0] ?? '' }]
    for (const [index, expression] of (node.expressions as readonly Node[]).entries()) {
      const next = this.#values(source, expression, scope)
      const end = parts[index + 1] ?? ''
      values = values.flatMap((one) =>
        next.map(({ text, exit }) => ({ text: `${one.text}${text}${end}`, exit: one.exit ?? exit })),
      )
    }
    return values
  }

  #call(source: SourceFile, node: Node, scope: readonly Node[]): readonly Value[] {
    const callee = node.callee as Node
    if (callee.type === 'MemberExpression' && nameOf(callee.property) === 'toUpperCase') {
      const values = this.#values(source, callee.object as Node, scope)
      return values.map((one) => ({ ...one, text: one.text.toUpperCase() }))
    }
    const taker = source.takers.find((one) => !one.member && one.name === nameOf(callee))
    if (taker === undefined) return this.#giveUp(source, node)
    return returnsOf(taker.node).flatMap(({ value, around }) => this.#values(source, value, around))
  }

  #identifier(source: SourceFile, node: Node, scope: readonly Node[]): readonly Value[] {
    const name = nameOf(node) ?? ''
    for (const around of scope.toReversed()) {
      if (isFunction(around)) {
        const index = (around.params as readonly Node[]).findIndex((one) => nameOf(bare(one)) === name)
        if (index >= 0) return this.#parameter(source, around, index, node)
        if (name === 'code' && (around.params as readonly Node[]).some(takesApart)) return []
      }
      const declared = constantIn(around, name)
      if (declared === 'code of another') return []
      if (declared !== undefined) return this.#values(source, declared, scope)
    }
    return this.#giveUp(source, node)
  }

  /** What the parameter's type allows, where that is a list of texts; else what callers give. */
  #parameter(source: SourceFile, around: Node, index: number, node: Node): readonly Value[] {
    const allowed = this.#allowed(bare((around.params as readonly Node[])[index] as Node))
    if (allowed !== undefined) return allowed.map((text) => ({ text }))
    const taker = source.takers.find((one) => one.node === around)
    if (taker === undefined) return this.#giveUp(source, node)
    // A maker's own parameter is where the search begins: its calls are looked at one by one.
    if (Object.hasOwn(makers, taker.name)) return []
    const calls = this.#callsOf(taker)
    if (calls.length === 0) return this.#giveUp(source, node)
    const key = `${source.file} ${around.start} ${index}`
    if (this.#running.has(key)) return []
    this.#running.add(key)
    const values = calls.flatMap(({ call, from }) => {
      const given = call.args[index]
      if (given === undefined) return []
      const exit = exitIn(call.args)
      return this.#values(from, given, call.scope).map((one) => ({ ...one, exit: one.exit ?? exit }))
    })
    this.#running.delete(key)
    return values
  }

  #allowed(parameter: Node): readonly string[] | undefined {
    const type = (parameter.typeAnnotation as Node | null | undefined)?.typeAnnotation as Node | undefined
    if (type === undefined) return undefined
    return literalsOf(type) ?? this.#aliases.get(nameOf(type.typeName) ?? '')
  }

  #callsOf(taker: Taker): { call: Call; from: SourceFile }[] {
    return this.#sources.flatMap((from) =>
      from.calls
        .filter((call) => {
          if (call.member !== taker.member) return false
          if (from.file === taker.file || taker.member) return call.callee === taker.name
          const known = from.imports.get(call.callee)
          return known?.file === taker.file && known.name === taker.name
        })
        .map((call) => ({ call, from })),
    )
  }

  #computedValues(source: SourceFile, node: Node, known: Computed[string]): readonly Value[] {
    this.used.add(keyOf(source, node))
    if (!('elementsOf' in known)) return known.map((text) => ({ text }))
    const constant = constantIn(source.program, known.elementsOf)
    const values: Value[] = []
    if (isNode(constant))
      walk(constant, [], (one) => {
        if (one.type === 'Literal' && typeof one.value === 'string') values.push({ text: one.value })
      })
    return values.length > 0 ? values : this.#giveUp(source, node)
  }

  #giveUp(source: SourceFile, node: Node): readonly [] {
    this.unknown.add(keyOf(source, node))
    return []
  }
}

function keyOf(source: SourceFile, node: Node): string {
  return `${source.file}: ${source.text.slice(node.start, node.end).replace(/\s+/g, ' ')}`
}

/** Whether a pattern takes `code` out of another error or finding. */
function takesApart(pattern: Node): boolean {
  const one = bare(pattern)
  return one.type === 'ObjectPattern' && property(one, 'code') !== undefined
}

/** The value of a constant that is declared directly in a block, function or program. */
function constantIn(around: Node, name: string): Node | 'code of another' | undefined {
  const { body } = around
  const loop = around.type === 'ForOfStatement' ? [around.left as Node] : []
  const statements = Array.isArray(body) ? body : isNode(body) && Array.isArray(body.body) ? body.body : []
  for (const statement of [...loop, ...(statements as readonly Node[])]) {
    const exported = statement.type === 'ExportNamedDeclaration'
    const declaration = exported ? (statement.declaration as Node | null) : statement
    if (declaration?.type !== 'VariableDeclaration' || declaration.kind !== 'const') continue
    for (const one of declaration.declarations as readonly Node[]) {
      if (name === 'code' && takesApart(one.id as Node)) return 'code of another'
      if (nameOf(one.id) === name && isNode(one.init)) return one.init
    }
  }
  return undefined
}

/** The texts of a type that is a union of texts, or one text. */
function literalsOf(type: Node): readonly string[] | undefined {
  if (type.type === 'TSLiteralType') {
    const { value } = type.literal as Node
    return typeof value === 'string' ? [value] : undefined
  }
  if (type.type !== 'TSUnionType') return undefined
  const values = (type.types as readonly Node[]).map(literalsOf)
  return values.every((one) => one !== undefined) ? values.flat() : undefined
}

function returnsOf(around: Node): { value: Node; around: readonly Node[] }[] {
  const body = around.body as Node
  if (body.type !== 'BlockStatement') return [{ value: body, around: [around] }]
  const found: { value: Node; around: readonly Node[] }[] = []
  walk(body, [around], (node, scope) => {
    const own = scope.filter(isFunction).length === 1
    if (own && node.type === 'ReturnStatement' && isNode(node.argument))
      found.push({ value: node.argument, around: scope })
  })
  return found
}
