import { beforeEach, expect, it, vi } from 'vitest'
import { event } from '@/testing/builders'
import { gatherer, roomOf, socketUrl } from './socket'

beforeEach(() => {
  vi.useFakeTimers()
})

function gathering() {
  const lots: number[][] = []
  const gather = gatherer((_, events) => lots.push(events.map(({ seq }) => seq)))
  return { lots, take: (...seqs: number[]) => seqs.forEach((seq) => gather(7, event(seq))) }
}

it('hands a single event on at once, and what came with it', async () => {
  const { lots, take } = gathering()
  take(1, 2)
  await Promise.resolve()
  expect(lots).toEqual([[1, 2]])
})

it('hands a flood on in lots, and nothing is left behind', async () => {
  const { lots, take } = gathering()
  take(1)
  await Promise.resolve()
  for (let seq = 2; seq <= 20; seq++) {
    take(seq)
    await vi.advanceTimersByTimeAsync(5)
  }
  await vi.advanceTimersByTimeAsync(100)
  expect(lots.flat()).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  expect(lots.length).toBeLessThan(5)
})

it('keeps rooms apart', async () => {
  const flush = vi.fn()
  const gather = gatherer(flush)
  gather(7, event(1))
  gather(8, event(1, { room_id: 8 }))
  await Promise.resolve()
  expect(flush.mock.calls.map(([roomId]) => roomId)).toEqual([7, 8])
})

it('knows the rooms among the channels', () => {
  expect(roomOf('room:42')).toBe(42)
  expect(roomOf('typing:42')).toBeNull()
  expect(roomOf('room:42x')).toBeNull()
})

it('follows the page to its server', () => {
  expect(socketUrl({ protocol: 'https:', host: 'moot.example:8443' })).toBe('wss://moot.example:8443/connection/websocket')
  expect(socketUrl({ protocol: 'http:', host: 'localhost:8000' })).toBe('ws://localhost:8000/connection/websocket')
})
