/** Answers by key for the length of a run; a failure is not an answer, and the next one who asks tries anew. */
export class Remembered<T> {
  readonly #answers = new Map<string, Promise<T>>()

  of(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    const answer = ask()
    this.#answers.set(key, answer)
    answer.catch(() => this.#answers.delete(key))
    return answer
  }

  has(key: string): boolean {
    return this.#answers.has(key)
  }
}
