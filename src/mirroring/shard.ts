import { badInput } from '../core/error.ts'
import { digestOf } from '../oci/digest.ts'

/** One part of a mirror that several jobs share. */
export interface Shard {
  /** From 1. */
  readonly index: number
  readonly of: number
}

/** Reads `2/5`. @throws SHARD_INVALID */
export function parseShard(text: string): Shard {
  const match = /^([1-9]\d{0,3})\/([1-9]\d{0,3})$/.exec(text)
  const [index, of] = [Number(match?.[1]), Number(match?.[2])]
  if (match === null || index > of)
    throw badInput('SHARD_INVALID', `${JSON.stringify(text.slice(0, 50))} is not one part of several`, {
      hint: 'Write 1/4, 2/4, 3/4 and 4/4 for four parts.',
    })
  return { index, of }
}

/** Whether a repository is in a part: the same one whatever else is mirrored. */
export function isIn({ index, of }: Shard, repository: string): boolean {
  return (
    Number.parseInt(digestOf(repository).slice('sha256:'.length, 'sha256:'.length + 8), 16) % of === index - 1
  )
}
