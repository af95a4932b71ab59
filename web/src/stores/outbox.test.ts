import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { RoomEvent } from '@/api/types'
import { ann, bjorn, event } from '@/testing/builders'
import { Refused, useOutboxStore } from './outbox'
import type { OutboxEntry, Sender } from './outbox'

const ROOM = 7
const LOST = { code: 2, message: 'transport closed' }

/** A connection whose answers the test gives, one by one. */
function connection() {
  const waiting: { entry: OutboxEntry; resolve: (event: RoomEvent) => void; reject: (error: unknown) => void }[] = []
  const confirmed: RoomEvent[] = []
  const sender: Sender = {
    send: (entry) => new Promise((resolve, reject) => waiting.push({ entry, resolve, reject })),
    confirmed: (event) => confirmed.push(event),
  }
  const settle = () => vi.advanceTimersByTimeAsync(0)
  return {
    sender,
    waiting,
    confirmed,
    sent: () => waiting.map(({ entry }) => entry.body),
    async answer(index: number, seq = index + 1) {
      const { entry, resolve } = waiting[index]!
      resolve(event(seq, { author: ann, client_id: entry.clientId, body: entry.body }))
      await settle()
    },
    async refuse(index: number, error: unknown) {
      waiting[index]!.reject(error)
      await settle()
    },
  }
}

const states = (outbox: ReturnType<typeof useOutboxStore>) => outbox.entries.map(({ state }) => state)

beforeEach(() => {
  vi.useFakeTimers()
  setActivePinia(createPinia())
})

function outboxOfAnn() {
  const outbox = useOutboxStore()
  outbox.restore(ann.id)
  return outbox
}

describe('while connected', () => {
  it('sends at once and stays until its event has arrived', async () => {
    const outbox = outboxOfAnn()
    const wire = connection()
    outbox.connected(wire.sender)
    outbox.send(ROOM, 'hello')
    expect(wire.sent()).toEqual(['hello'])
    expect(states(outbox)).toEqual(['pending'])

    await wire.answer(0)
    expect(states(outbox)).toEqual(['sent'])
    outbox.settle(wire.confirmed)
    expect(outbox.entries).toEqual([])
  })

  it('sends the messages of a room in their order, one after the other', async () => {
    const outbox = outboxOfAnn()
    const wire = connection()
    outbox.connected(wire.sender)
    for (const body of ['one', 'two', 'three']) outbox.send(ROOM, body)
    expect(wire.sent()).toEqual(['one'])
    await wire.answer(0)
    expect(wire.sent()).toEqual(['one', 'two'])
    await wire.answer(1)
    expect(wire.sent()).toEqual(['one', 'two', 'three'])
  })

  it('does not make one room wait for another', () => {
    const outbox = outboxOfAnn()
    const wire = connection()
    outbox.connected(wire.sender)
    outbox.send(ROOM, 'here')
    outbox.send(8, 'there')
    expect(wire.sent()).toEqual(['here', 'there'])
  })

  it('goes away when the push is quicker than the reply', async () => {
    const outbox = outboxOfAnn()
    const wire = connection()
    outbox.connected(wire.sender)
    outbox.send(ROOM, 'hello')
    outbox.settle([event(1, { author: ann, client_id: outbox.entries[0]!.clientId })])
    expect(outbox.entries).toEqual([])
    await wire.answer(0)
    expect(outbox.entries).toEqual([])
  })

  it('is not taken away by somebody else who uses the same client id', () => {
    const outbox = outboxOfAnn()
    outbox.send(ROOM, 'hello')
    outbox.settle([event(1, { author: bjorn, client_id: outbox.entries[0]!.clientId })])
    expect(outbox.entries).toHaveLength(1)
  })
})

describe('a refusal', () => {
  it('that is final fails visibly, and what follows is still sent', async () => {
    const outbox = outboxOfAnn()
    const wire = connection()
    outbox.connected(wire.sender)
    outbox.send(ROOM, 'bad')
    outbox.send(ROOM, 'good')
    await wire.refuse(0, new Refused('Too long.', false))
    expect(outbox.entries[0]).toMatchObject({ state: 'failed', reason: 'Too long.' })
    expect(wire.sent()).toEqual(['bad', 'good'])
  })

  it('can be retried, with the same client id, or deleted', async () => {
    const outbox = outboxOfAnn()
    const wire = connection()
    outbox.connected(wire.sender)
    outbox.send(ROOM, 'again')
    await wire.refuse(0, new Refused('No.', false))
    const { clientId } = outbox.entries[0]!
    outbox.retry(clientId)
    expect(wire.waiting.map(({ entry }) => entry.clientId)).toEqual([clientId, clientId])
    await wire.refuse(1, new Refused('No.', false))
    outbox.discard(clientId)
    expect(outbox.entries).toEqual([])
  })

  it('that will pass is tried again, later and later, and at last told', async () => {
    const outbox = outboxOfAnn()
    const wire = connection()
    outbox.connected(wire.sender)
    outbox.send(ROOM, 'busy')
    for (let attempt = 0; attempt < 6; attempt++) {
      expect(states(outbox)).toEqual(['pending'])
      await wire.refuse(attempt, new Refused('The server is busy.', true))
      await vi.advanceTimersByTimeAsync(10_000)
    }
    expect(wire.waiting).toHaveLength(6)
    expect(states(outbox)).toEqual(['failed'])
  })
})

describe('a lost connection', () => {
  it('keeps what is written until it is back', () => {
    const outbox = outboxOfAnn()
    outbox.send(ROOM, 'offline')
    expect(states(outbox)).toEqual(['pending'])
    const wire = connection()
    outbox.connected(wire.sender)
    expect(wire.sent()).toEqual(['offline'])
  })

  it('repeats what was in flight with the same client id', async () => {
    const outbox = outboxOfAnn()
    const before = connection()
    outbox.connected(before.sender)
    outbox.send(ROOM, 'in flight')
    outbox.disconnected()
    await before.refuse(0, LOST)
    expect(states(outbox)).toEqual(['pending'])

    const after = connection()
    outbox.connected(after.sender)
    await vi.advanceTimersByTimeAsync(0)
    expect(after.waiting[0]?.entry.clientId).toBe(before.waiting[0]?.entry.clientId)
  })

  it('that comes back before the old attempt has ended is used all the same', async () => {
    const outbox = outboxOfAnn()
    const before = connection()
    outbox.connected(before.sender)
    outbox.send(ROOM, 'in flight')
    outbox.disconnected()
    const after = connection()
    outbox.connected(after.sender)
    await before.refuse(0, LOST)
    expect(after.sent()).toEqual(['in flight'])
  })
})

describe('a reload', () => {
  it('loses nothing', () => {
    outboxOfAnn().send(ROOM, 'written before')
    setActivePinia(createPinia())
    expect(outboxOfAnn().entries).toMatchObject([{ body: 'written before', state: 'pending' }])
  })

  it('shows nothing to somebody else', () => {
    outboxOfAnn().send(ROOM, 'private')
    setActivePinia(createPinia())
    const outbox = useOutboxStore()
    outbox.restore(bjorn.id)
    expect(outbox.entries).toEqual([])
  })

  it('finds what was written before somebody else used the tab', () => {
    outboxOfAnn().send(ROOM, 'from ann')
    setActivePinia(createPinia())
    const other = useOutboxStore()
    other.restore(bjorn.id)
    other.send(ROOM, 'from bjorn')
    setActivePinia(createPinia())
    expect(outboxOfAnn().entries.map(({ body }) => body)).toEqual(['from ann'])
  })

  it('finds nothing of a room we are out of, and all of the others', () => {
    const outbox = outboxOfAnn()
    outbox.send(ROOM, 'out')
    outbox.send(8, 'still in')
    outbox.dropRoom(ROOM)
    setActivePinia(createPinia())
    expect(outboxOfAnn().entries.map(({ body }) => body)).toEqual(['still in'])
  })

  it('finds nothing after signing out', () => {
    const outbox = outboxOfAnn()
    outbox.send(ROOM, 'private')
    outbox.clear({ erase: true })
    setActivePinia(createPinia())
    expect(outboxOfAnn().entries).toEqual([])
  })
})
