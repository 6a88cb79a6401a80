import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Budget } from '../../src/mirroring/budget.ts'
import { descriptorOf } from '../../src/oci/descriptor.ts'

const blob = (name: string, size: number) => ({ ...descriptorOf('x', Buffer.from(name)), size })

test('large blobs take half of the places, and small ones pass them', async () => {
  const turn = new Budget(4).turnAt('registry')
  let running = 0
  let most = 0
  const done: string[] = []
  const large = Array.from({ length: 6 }, (_, at) =>
    turn(blob(`large ${at}`, 5 * 1024 * 1024), async () => {
      most = Math.max(most, ++running)
      await sleep(20)
      running--
      done.push('large')
    }),
  )
  const small = Array.from({ length: 6 }, (_, at) =>
    turn(blob(`small ${at}`, 1000), async () => {
      done.push('small')
    }),
  )
  await Promise.all([...large, ...small])
  expect(most).toBe(2)
  expect(done.slice(0, 6)).toEqual(Array.from({ length: 6 }, () => 'small'))
})

test('one blob comes to a registry by one repository at a time, to another one at once', async () => {
  const budget = new Budget(8)
  const one = blob('shared', 100_000)
  const order: string[] = []
  const bring = (registry: string, name: string) =>
    budget.turnAt(registry)(one, async () => {
      order.push(`${name} starts`)
      await sleep(10)
      order.push(`${name} ends`)
    })
  await Promise.all([bring('a', 'first'), bring('a', 'second'), bring('b', 'elsewhere')])
  expect(order.indexOf('second starts')).toBeGreaterThan(order.indexOf('first ends'))
  expect(order.indexOf('elsewhere starts')).toBeLessThan(order.indexOf('first ends'))
})

test('a blob that fails gives its turn to the next', async () => {
  const turn = new Budget(1).turnAt('registry')
  const one = blob('broken', 2_000_000)
  const failed = turn(one, () => Promise.reject(new Error('no')))
  const next = turn(one, async () => 'there')
  await expect(failed).rejects.toThrow('no')
  expect(await next).toBe('there')
})
