/** What the oracle needs of a library that has no types. */
declare module 'logic-solver' {
  interface Formula {
    readonly formula: unique symbol
  }
  /** A variable's name, negated with `-` before it, or a formula. */
  type Operand = string | Formula
  interface Answer {
    getTrueVars(): string[]
  }
  class Solver {
    require(...operands: (Operand | readonly Operand[])[]): void
    solve(): Answer | null
    solveAssuming(operand: Operand): Answer | null
  }
  const Logic: {
    readonly Solver: typeof Solver
    disablingAssertions<T>(run: () => T): T
    or(...operands: (Operand | readonly Operand[])[]): Formula
    and(...operands: (Operand | readonly Operand[])[]): Formula
    atMostOne(...operands: (Operand | readonly Operand[])[]): Formula
  }
  export default Logic
}
