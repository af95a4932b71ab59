import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RoomEvent } from '@/api/types'
import { event, events, page } from '@/testing/builders'
import { fakeServer, json, unreachable } from '@/testing/fakeServer'
import type { Asked } from '@/testing/fakeServer'
import { useTimelinesStore } from './timelines'

const ROOM = 7
const EVENTS = 'GET /rooms/7/events'

/** A room's log on the server; it may grow without telling us. */
function log(length: number, epoch = 'e1') {
  const held = { list: events(1, length), epoch }
  const answer = ({ query }: Asked) => {
    const limit = Number(query.get('limit'))
    const after = query.get('after')
    const before = Number(query.get('before') ?? Infinity)
    const found: RoomEvent[] =
      after === null
        ? held.list.filter(({ seq }) => seq < before).slice(-limit)
        : held.list.filter(({ seq }) => seq > Number(after)).slice(0, limit)
    const edge = after === null ? found[0]?.seq !== 1 : found[found.length - 1]?.seq !== held.list.length
    return json(page(found, { epoch: held.epoch, head_seq: held.list.length, more: found.length > 0 && edge }))
  }
  const grow = (by: number) => held.list.push(...events(held.list.length + 1, held.list.length + by))
  return { held, answer, grow }
}

const seqs = () => useTimelinesStore().byRoom.get(ROOM)?.events.map(({ seq }) => seq) ?? []
const range = (from: number, to: number) => events(from, to).map(({ seq }) => seq)
const settled = () => vi.waitFor(() => expect(useTimelinesStore().byRoom.get(ROOM)).toMatchObject({ status: 'ready' }))

beforeEach(() => setActivePinia(createPinia()))
afterEach(() => vi.unstubAllGlobals())

describe('opening', () => {
  it('fetches the newest page, once', async () => {
    const { answer } = log(100)
    const server = fakeServer({ [EVENTS]: answer })
    const timelines = useTimelinesStore()
    await Promise.all([timelines.open(ROOM), timelines.open(ROOM)])
    expect(seqs()).toEqual(range(41, 100))
    expect(server.count(EVENTS)).toBe(1)
  })

  it('misses nothing that arrives while the page is on its way', async () => {
    const { answer, grow } = log(3)
    let release: () => void = () => undefined
    const server = fakeServer({})
    server.on(EVENTS, async (asked) => {
      const response = answer(asked)
      await new Promise<void>((resolve) => (release = resolve))
      return response
    })
    const timelines = useTimelinesStore()
    const opening = timelines.open(ROOM)
    await vi.waitFor(() => expect(server.asked).toHaveLength(1))
    grow(2)
    timelines.take(ROOM, events(4, 5))
    server.on(EVENTS, answer)
    release()
    await opening
    await vi.waitFor(() => expect(seqs()).toEqual(range(1, 5)))
  })

  it('says when it failed, and can be tried again', async () => {
    const server = fakeServer({ [EVENTS]: unreachable })
    const timelines = useTimelinesStore()
    await timelines.open(ROOM)
    expect(timelines.byRoom.get(ROOM)?.status).toBe('failed')
    server.on(EVENTS, log(2).answer)
    await timelines.open(ROOM)
    expect(seqs()).toEqual([1, 2])
  })
})

describe('what arrives', () => {
  it('is applied without asking when it follows', async () => {
    const server = fakeServer({ [EVENTS]: log(3).answer })
    const timelines = useTimelinesStore()
    await timelines.open(ROOM)
    timelines.take(ROOM, [event(4)])
    expect(seqs()).toEqual([1, 2, 3, 4])
    expect(server.count(EVENTS)).toBe(1)
  })

  it('behind a hole waits until the hole is filled', async () => {
    const { answer, grow } = log(3)
    fakeServer({ [EVENTS]: answer })
    const timelines = useTimelinesStore()
    await timelines.open(ROOM)
    grow(4)
    timelines.take(ROOM, [event(7)])
    expect(seqs()).toEqual([1, 2, 3])
    await vi.waitFor(() => expect(seqs()).toEqual(range(1, 7)))
  })

  it('is fetched again later when the hole could not be filled now', async () => {
    vi.useFakeTimers()
    const { answer, grow } = log(3)
    const server = fakeServer({ [EVENTS]: answer })
    const timelines = useTimelinesStore()
    await timelines.open(ROOM)
    grow(2)
    server.on(EVENTS, unreachable)
    timelines.take(ROOM, [event(5)])
    await vi.advanceTimersByTimeAsync(100)
    expect(seqs()).toEqual([1, 2, 3])
    server.on(EVENTS, answer)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(seqs()).toEqual(range(1, 5))
  })
})

describe('after a subscription that recovered nothing', () => {
  it('what was missed is fetched', async () => {
    const { answer, grow } = log(3)
    fakeServer({ [EVENTS]: answer })
    const timelines = useTimelinesStore()
    await timelines.open(ROOM)
    grow(300)
    timelines.compare(ROOM, 'e1', 303)
    await vi.waitFor(() => expect(seqs()).toEqual(range(1, 303)))
  })

  it('a gap too long to fetch makes room for the newest page', async () => {
    const { answer, grow } = log(3)
    fakeServer({ [EVENTS]: answer })
    const timelines = useTimelinesStore()
    await timelines.open(ROOM)
    grow(5_000)
    timelines.compare(ROOM, 'e1', 5_003)
    await vi.waitFor(() => expect(seqs()).toEqual(range(4_944, 5_003)))
  })

  it('a log of another epoch takes the place of ours', async () => {
    const { held, answer } = log(9)
    fakeServer({ [EVENTS]: answer })
    const timelines = useTimelinesStore()
    await timelines.open(ROOM)
    held.list = events(1, 2)
    held.epoch = 'e2'
    timelines.compare(ROOM, 'e2', 2)
    await settled()
    expect(seqs()).toEqual([1, 2])
  })

  it('a position older than ours changes nothing', async () => {
    const server = fakeServer({ [EVENTS]: log(5).answer })
    const timelines = useTimelinesStore()
    await timelines.open(ROOM)
    timelines.compare(ROOM, 'e1', 4)
    expect(server.count(EVENTS)).toBe(1)
    expect(seqs()).toEqual(range(1, 5))
  })
})

describe('older pages', () => {
  it('come one at a time until the start', async () => {
    const server = fakeServer({ [EVENTS]: log(130).answer })
    const timelines = useTimelinesStore()
    await timelines.open(ROOM)
    await Promise.all([timelines.loadOlder(ROOM), timelines.loadOlder(ROOM)])
    expect(seqs()).toEqual(range(11, 130))
    await timelines.loadOlder(ROOM)
    expect(seqs()).toEqual(range(1, 130))
    await timelines.loadOlder(ROOM)
    expect(server.count(EVENTS)).toBe(3)
  })

  it('say when they failed', async () => {
    const server = fakeServer({ [EVENTS]: log(130).answer })
    const timelines = useTimelinesStore()
    await timelines.open(ROOM)
    server.on(EVENTS, unreachable)
    await timelines.loadOlder(ROOM)
    expect(timelines.byRoom.get(ROOM)?.older).toBe('failed')
  })
})

it('keeps only the newest in memory, and can load the rest again', async () => {
  fakeServer({ [EVENTS]: log(100).answer })
  const timelines = useTimelinesStore()
  await timelines.open(ROOM)
  timelines.keepNewest(ROOM, 10)
  expect(seqs()).toEqual(range(91, 100))
  await timelines.loadOlder(ROOM)
  expect(seqs()).toEqual(range(31, 100))
})
