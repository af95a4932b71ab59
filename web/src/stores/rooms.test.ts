import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Room } from '@/api/types'
import { ann, event, room, signedIn } from '@/testing/builders'
import { fakeServer, json, unreachable } from '@/testing/fakeServer'
import { useSessionStore } from './session'
import { useRoomsStore } from './rooms'

beforeEach(() => setActivePinia(createPinia()))
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const list = (...rooms: Room[]) => json({ rooms })

it('lists rooms by name and counts what is unread', async () => {
  fakeServer({
    'GET /rooms': () => list(room({ id: 1, name: 'b', unread: 3 }), room({ id: 2, name: 'A', unread: 1 })),
  })
  const rooms = useRoomsStore()
  await rooms.load()
  expect(rooms.all.map(({ name }) => name)).toEqual(['A', 'b'])
  expect(rooms.unread).toBe(4)
})

it('counts members as they come and go, each event once', () => {
  const rooms = useRoomsStore()
  rooms.put(room({ head_seq: 3, members: 2 }))
  rooms.take(7, [event(4, { kind: 'joined' }), event(5, { kind: 'joined' })])
  rooms.take(7, [event(5, { kind: 'joined' }), event(6, { kind: 'left' })])
  expect(rooms.byId.get(7)).toMatchObject({ members: 3, head_seq: 6 })
})

describe('what is unread', () => {
  function mine() {
    useSessionStore().user = signedIn(ann).user
    return useRoomsStore()
  }

  it('is what others say, and neither who comes and goes nor what I say elsewhere', () => {
    const rooms = mine()
    rooms.put(room({ head_seq: 3, read_seq: 3 }))
    rooms.take(7, [event(4), event(5, { author: ann }), event(6, { kind: 'joined' }), event(7, { kind: 'left' })])
    expect(rooms.unread).toBe(1)
    rooms.take(7, [event(7, { kind: 'left' }), event(8, { kind: 'command' }), event(9, { kind: 'command', author: ann })])
    expect(rooms.unread).toBe(2)
  })

  it('stays when a snapshot is older, and is what a newer one says', () => {
    const rooms = mine()
    rooms.put(room({ head_seq: 3 }))
    rooms.take(7, [event(4), event(5)])
    rooms.put(room({ head_seq: 3 }))
    expect(rooms.unread).toBe(2)
    rooms.put(room({ head_seq: 9, unread: 4 }))
    expect(rooms.unread).toBe(4)
  })

  it('is no more than what came after the last that was read, here or elsewhere', async () => {
    fakeServer({ 'PUT /rooms/7/read': unreachable })
    const rooms = mine()
    rooms.put(room({ head_seq: 5, unread: 5 }))
    await rooms.markRead(7, 4)
    expect(rooms.unread).toBe(1)
    rooms.put(room({ head_seq: 5, unread: 5 }))
    expect(rooms.unread, 'the server has not been told yet').toBe(1)
    rooms.take(7, [event(6)])
    rooms.put(room({ head_seq: 5, read_seq: 5 }))
    expect(rooms.unread, 'read on another device').toBe(1)
  })
})

it('does not let a snapshot take back what events already told', () => {
  const rooms = useRoomsStore()
  rooms.put(room({ head_seq: 3 }))
  rooms.take(7, [event(4)])
  rooms.put(room({ head_seq: 3, topic: 'new topic' }))
  expect(rooms.byId.get(7)).toMatchObject({ head_seq: 4, topic: 'new topic' })
})

describe('a list on its way', () => {
  it('does not forget a room joined, nor bring back a room left, meanwhile', async () => {
    let release: (response: Response) => void = () => undefined
    fakeServer({ 'GET /rooms': () => new Promise((resolve) => (release = resolve)) })
    const rooms = useRoomsStore()
    rooms.put(room({ id: 2, name: 'left' }))
    const loading = rooms.load()
    await vi.waitFor(() => expect(rooms.status).toBe('loading'))
    rooms.put(room({ id: 3, name: 'joined' }))
    rooms.remove(2)
    await new Promise((resolve) => setTimeout(resolve, 5))
    release(list(room({ id: 1, name: 'always' }), room({ id: 2, name: 'left' })))
    await loading
    expect(rooms.all.map(({ name }) => name)).toEqual(['always', 'joined'])
  })

  it('is followed by a fresh one for who asks later', async () => {
    const server = fakeServer({ 'GET /rooms': () => list() })
    const rooms = useRoomsStore()
    await Promise.all([rooms.load(), rooms.load(), rooms.load()])
    expect(server.count('GET /rooms')).toBe(2)
  })
})

describe('the read position', () => {
  it('only grows', async () => {
    const server = fakeServer({ 'PUT /rooms/7/read': () => json({ read_seq: 5 }) })
    const rooms = useRoomsStore()
    rooms.put(room({ head_seq: 5, read_seq: 1, unread: 4 }))
    await rooms.markRead(7, 5)
    await rooms.markRead(7, 3)
    expect(rooms.byId.get(7)).toMatchObject({ read_seq: 5, unread: 0 })
    expect(server.asked.map(({ body }) => body)).toEqual([{ seq: 5 }])
  })

  it('that could not be saved is saved later', async () => {
    const server = fakeServer({ 'PUT /rooms/7/read': unreachable })
    const rooms = useRoomsStore()
    rooms.put(room({ head_seq: 5 }))
    await rooms.markRead(7, 5)
    server.on('PUT /rooms/7/read', () => json({ read_seq: 5 }))
    await rooms.saveReads()
    await rooms.saveReads()
    expect(server.count('PUT /rooms/7/read')).toBe(2)
  })

  it('that moves with each message of a busy room is shown at once, and saved now and then', async () => {
    vi.useFakeTimers()
    const server = fakeServer({ 'PUT /rooms/7/read': () => json({}) })
    const rooms = useRoomsStore()
    rooms.put(room({ head_seq: 100, unread: 100 }))
    for (let seq = 1; seq <= 50; seq++) {
      void rooms.markRead(7, seq)
      expect(rooms.byId.get(7)?.read_seq).toBe(seq)
      await vi.advanceTimersByTimeAsync(100)
    }
    await vi.advanceTimersByTimeAsync(60_000)
    const saved = server.asked.map(({ body }) => (body as { seq: number }).seq)
    expect(saved.length).toBeLessThanOrEqual(4)
    expect([saved[0], saved.at(-1)]).toEqual([1, 50])
  })

  it('of another room waits for none', () => {
    const server = fakeServer({ 'PUT /rooms/7/read': () => json({}), 'PUT /rooms/8/read': () => json({}) })
    const rooms = useRoomsStore()
    for (const id of [7, 8]) {
      rooms.put(room({ id, head_seq: 5, unread: 5 }))
      void rooms.markRead(id, 5)
    }
    return vi.waitFor(() => expect(server.asked).toHaveLength(2))
  })

  it('is not asked for again and again while nobody answers', async () => {
    vi.useFakeTimers()
    const server = fakeServer({ 'PUT /rooms/7/read': unreachable })
    const rooms = useRoomsStore()
    rooms.put(room({ head_seq: 5 }))
    void rooms.markRead(7, 5)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(server.asked).toHaveLength(1)
  })

  it('of who signed out is told to nobody', async () => {
    vi.useFakeTimers()
    const server = fakeServer({ 'PUT /rooms/7/read': () => json({}) })
    const rooms = useRoomsStore()
    rooms.put(room({ head_seq: 5 }))
    void rooms.markRead(7, 4)
    void rooms.markRead(7, 5)
    rooms.clear()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(server.asked).toHaveLength(1)
  })
})
