import pLimit from 'p-limit'

/**
 * Maps with at most `limit` running at once, results in the order of the input. The first failure stops
 * new work from starting and is thrown once what runs has ended, so that nothing goes on unobserved.
 */
export async function mapConcurrent<T, R>(
  items: Iterable<T>,
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const slots = pLimit(limit)
  let failure: { readonly error: unknown } | undefined
  const settled = await Promise.allSettled(
    [...items].map((item, index) =>
      slots(async () => {
        if (failure !== undefined) throw failure.error
        try {
          return await work(item, index)
        } catch (error) {
          failure ??= { error }
          throw error
        }
      }),
    ),
  )
  if (failure !== undefined) throw failure.error
  return settled.map((one) => (one as PromiseFulfilledResult<Awaited<R>>).value)
}
