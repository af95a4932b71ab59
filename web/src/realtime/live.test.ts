import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { useConnectionStore } from '@/stores/connection'
import { useOutboxStore } from '@/stores/outbox'
import { useRoomsStore } from '@/stores/rooms'
import { useSessionStore } from '@/stores/session'
import { useTimelinesStore } from '@/stores/timelines'
import { ann, bjorn, event, events, page, room, signedIn } from '@/testing/builders'
import { fakeServer, json, problem, unreachable } from '@/testing/fakeServer'
import { createLive } from './live'
import type { Socket, SocketHandlers } from './socket'

/** A socket in the test's hand. */
function fakeSocket() {
  const wire = {
    handlers: undefined as unknown as SocketHandlers,
    connects: 0,
    calls: [] as { method: string; data: Record<string, unknown>; resolve: (value: unknown) => void }[],
  }
  const open = (handlers: SocketHandlers): Socket => {
    wire.handlers = handlers
    return {
      connect: () => void (wire.connects += 1),
      close: () => undefined,
      call: (method, data) =>
        new Promise((resolve) => {
          wire.calls.push({ method, data: data as Record<string, unknown>, resolve: resolve as (value: unknown) => void })
        }),
    }
  }
  return { wire, open }
}

async function running() {
  const server = fakeServer({
    'GET /session': () => json(signedIn()),
    'GET /rooms': () => json({ rooms: [room({ head_seq: 3 })] }),
    'GET /rooms/7/events': () => json(page(events(1, 3))),
    'GET /rooms/9': () => json(room({ id: 9, name: 'new' })),
  })
  await useSessionStore().start()
  const { wire, open } = fakeSocket()
  const live = createLive(open)
  live.start()
  wire.handlers.connected()
  await vi.waitFor(() => expect(useRoomsStore().status).toBe('ready'))
  await useTimelinesStore().open(7)
  await vi.waitFor(() => expect(server.count('GET /rooms')).toBe(2))
  return { server, wire, live }
}

const seqs = () => useTimelinesStore().byRoom.get(7)?.events.map(({ seq }) => seq)

/** The connection is lost, and meanwhile another tab signs somebody else in. */
async function takenOver() {
  const all = await running()
  all.wire.handlers.connecting()
  useOutboxStore().send(7, 'from ann')
  all.server.on('GET /session', () => json(signedIn(bjorn)))
  return all
}

/** What a reload of this page as Ann would find. */
function kept() {
  setActivePinia(createPinia())
  useOutboxStore().restore(ann.id)
  return useOutboxStore().entries.map(({ body }) => body)
}

beforeEach(() => setActivePinia(createPinia()))
afterEach(() => vi.unstubAllGlobals())

describe('events', () => {
  it('reach the timeline and the room list', async () => {
    const { wire } = await running()
    wire.handlers.events(7, [event(4), event(5)])
    expect(seqs()).toEqual([1, 2, 3, 4, 5])
    expect(useRoomsStore().byId.get(7)?.head_seq).toBe(5)
  })

  it('of a sent message replace it, whether the push or the reply is first', async () => {
    const { wire } = await running()
    const outbox = useOutboxStore()
    outbox.send(7, 'hello')
    const [call] = wire.calls
    expect(call).toMatchObject({ method: 'messages.send', data: { room_id: 7, body: 'hello' } })
    const confirmed = event(4, { author: ann, client_id: call!.data.client_id as string })
    call!.resolve(confirmed)
    await vi.waitFor(() => expect(seqs()).toEqual([1, 2, 3, 4]))
    wire.handlers.events(7, [confirmed])
    expect(seqs()).toEqual([1, 2, 3, 4])
    expect(outbox.entries).toEqual([])
  })
})

describe('subscriptions', () => {
  it('to a room we do not know fetch it', async () => {
    const { wire } = await running()
    wire.handlers.subscribed(9, { epoch: 'e1', offset: 1 }, false)
    await vi.waitFor(() => expect(useRoomsStore().byId.get(9)?.name).toBe('new'))
  })

  it('that end take the room away', async () => {
    const { wire } = await running()
    wire.handlers.unsubscribed(7)
    expect(useRoomsStore().byId.has(7)).toBe(false)
    expect(useTimelinesStore().byRoom.has(7)).toBe(false)
  })

  it('that end take what was not sent there away', async () => {
    const { wire } = await running()
    wire.handlers.connecting()
    useOutboxStore().send(7, 'out')
    useOutboxStore().send(8, 'still in')
    wire.handlers.connected()
    wire.handlers.unsubscribed(7)
    await vi.waitFor(() => expect(wire.calls).toHaveLength(1))
    expect(wire.calls[0]).toMatchObject({ data: { room_id: 8 } })
    expect(useOutboxStore().entries.map(({ body }) => body)).toEqual(['still in'])
    wire.handlers.unsubscribed(8)
    expect(useOutboxStore().entries).toEqual([])
  })

  it('that end and begin again take nothing away', async () => {
    const { wire } = await running()
    wire.handlers.connecting()
    useOutboxStore().send(7, 'again')
    wire.handlers.connected()
    wire.handlers.unsubscribed(7)
    wire.handlers.subscribed(7, null, false)
    await vi.waitFor(() => expect(wire.calls).toHaveLength(1))
  })

  it('that could not recover fetch what was missed', async () => {
    const { wire, server } = await running()
    server.on('GET /rooms/7/events', () => json(page(events(4, 6))))
    wire.handlers.subscribed(7, { epoch: 'e1', offset: 6 }, false)
    await vi.waitFor(() => expect(seqs()).toEqual([1, 2, 3, 4, 5, 6]))
  })
})

describe('a connection', () => {
  it('that is lost is not a sign-out', async () => {
    const { wire } = await running()
    wire.handlers.connecting()
    expect(useConnectionStore().state).toBe('reconnecting')
    expect(useSessionStore().status).toBe('signed-in')
  })

  it('closed for good with the session gone signs out', async () => {
    const { wire, server } = await running()
    server.on('GET /session', () => problem(401, 'not_signed_in'))
    wire.handlers.closed()
    await vi.waitFor(() => expect(useSessionStore()).toMatchObject({ status: 'signed-out', wasEnded: true }))
  })

  it('closed for good with the session still there waits for the member', async () => {
    const { wire, live } = await running()
    wire.handlers.closed()
    await vi.waitFor(() => expect(useConnectionStore().state).toBe('stopped'))
    expect(wire.connects).toBe(1)
    live.reconnect()
    expect(wire.connects).toBe(2)
  })

  it('that keeps failing asks whether the session is the reason', async () => {
    const { wire, server } = await running()
    server.on('GET /session', () => problem(401, 'not_signed_in'))
    const before = server.count('GET /session')
    wire.handlers.troubled()
    wire.handlers.troubled()
    await vi.waitFor(() => expect(useSessionStore().status).toBe('signed-out'))
    expect(server.count('GET /session')).toBe(before + 1)
  })
})

describe('a browser that became somebody else’s', () => {
  it('ends this page, and never offers to reconnect', async () => {
    const { wire } = await takenOver()
    wire.handlers.closed()
    await vi.waitFor(() => expect(useSessionStore()).toMatchObject({ status: 'signed-out', takenOver: true }))
    expect(useConnectionStore().state).not.toBe('stopped')
  })

  it('sends nothing of ours, and loses nothing of it', async () => {
    const { wire, live } = await takenOver()
    wire.handlers.connected()
    wire.handlers.unsubscribed(7)
    await vi.waitFor(() => expect(useSessionStore().takenOver).toBe(true))
    live.stop()
    expect(wire.calls).toEqual([])
    expect(useOutboxStore().entries).toEqual([])
    expect(kept()).toEqual(['from ann'])
  })

  it('is asked for until the server says; only then is sent', async () => {
    const { wire, server } = await takenOver()
    vi.useFakeTimers()
    server.on('GET /session', unreachable)
    wire.handlers.connected()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(wire.calls).toEqual([])
    server.on('GET /session', () => json(signedIn()))
    await vi.advanceTimersByTimeAsync(3_000)
    expect(wire.calls).toMatchObject([{ data: { body: 'from ann' } }])
  })

  it('does not get what was asked about a connection before', async () => {
    const { wire, server } = await takenOver()
    let answer: (response: Response) => void = () => undefined
    server.on('GET /session', () => new Promise((resolve) => (answer = resolve)))
    wire.handlers.connected()
    await vi.waitFor(() => expect(server.count('GET /session')).toBe(3))
    wire.handlers.connecting()
    answer(json(signedIn()))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(wire.calls).toEqual([])
  })
})
