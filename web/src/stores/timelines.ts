import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { asFailure } from '@/api/failure'
import { server } from '@/api/server'
import type { RoomEvent } from '@/api/types'
import { EMPTY, appendPage, prependPage, receive, refresh, stretchOf, trim } from '@/timeline/merge'
import type { Stretch } from '@/timeline/merge'
import { useOutboxStore } from './outbox'

const PAGE = 60
const CATCH_UP_PAGE = 200
/** Beyond this many events behind, the newest page is worth more than the whole gap. */
const CATCH_UP_PAGES = 5
const RETRY_MIN_MS = 1_000
const RETRY_MAX_MS = 20_000

export interface Timeline extends Stretch {
  readonly status: 'loading' | 'ready' | 'failed'
  readonly older: 'idle' | 'loading' | 'failed'
}

const LOADING: Timeline = { ...EMPTY, status: 'loading', older: 'idle' }

/** The logs of the rooms opened so far. Every change replaces a room's timeline, so that one look tells what is new. */
export const useTimelinesStore = defineStore('timelines', () => {
  const byRoom = shallowReactive(new Map<number, Timeline>())
  const catchingUp = new Set<number>()
  const retries = new Map<number, ReturnType<typeof setTimeout>>()
  const outbox = useOutboxStore()

  function change(roomId: number, next: Partial<Timeline>): Timeline {
    const timeline = { ...(byRoom.get(roomId) ?? LOADING), ...next }
    byRoom.set(roomId, timeline)
    return timeline
  }

  async function open(roomId: number): Promise<void> {
    const known = byRoom.get(roomId)
    if (known && known.status !== 'failed') return
    byRoom.set(roomId, LOADING)
    await load(roomId)
  }

  async function load(roomId: number): Promise<void> {
    try {
      const page = await server.events(roomId, { limit: PAGE })
      const now = byRoom.get(roomId)
      if (!now) return
      const next = now.status === 'ready' ? refresh(now, page) : stretchOf(page, now.wanted)
      change(roomId, { ...next, status: 'ready', older: 'idle' })
      outbox.settle(page.events)
      void catchUp(roomId)
    } catch (error) {
      const now = byRoom.get(roomId)
      if (now?.status === 'loading') change(roomId, { status: 'failed' })
      else if (now && asFailure(error).temporary) retryLater(roomId)
    }
  }

  /** Events from the socket or from an answer. Applied in order; behind a hole only after the hole is filled. */
  function take(roomId: number, events: readonly RoomEvent[]): void {
    const known = byRoom.get(roomId)
    if (!known) {
      outbox.settle(events)
      return
    }
    if (known.status !== 'ready') {
      const wanted = Math.max(known.wanted, ...events.map((event) => event.seq))
      change(roomId, { wanted })
      return
    }
    const next = receive(known, events)
    if (next !== known) change(roomId, next)
    outbox.settle(events.filter((event) => event.seq <= next.head))
    if (next.head < next.wanted) void catchUp(roomId)
  }

  /** The server's position of a room after a subscription that could not bring what was missed itself. */
  function compare(roomId: number, epoch: string, head: number): void {
    const known = byRoom.get(roomId)
    if (!known || known.status === 'failed') return
    if (known.status === 'ready' && known.epoch !== epoch) {
      // Another epoch: the server began this log anew, and ours means nothing.
      byRoom.set(roomId, LOADING)
      void load(roomId)
    } else if (head > known.head) {
      change(roomId, { wanted: Math.max(known.wanted, head) })
      void catchUp(roomId)
    }
  }

  /** Fetches what lies between our head and what we know to exist. One run for each room at a time. */
  async function catchUp(roomId: number): Promise<void> {
    if (catchingUp.has(roomId)) return
    catchingUp.add(roomId)
    try {
      for (let pages = 0; isBehind(roomId); pages++) {
        if (pages === CATCH_UP_PAGES) return await load(roomId)
        await fetchNext(roomId)
      }
      retryDelay.delete(roomId)
    } catch (error) {
      if (asFailure(error).temporary) retryLater(roomId)
    } finally {
      catchingUp.delete(roomId)
    }
  }

  async function fetchNext(roomId: number): Promise<void> {
    const after = byRoom.get(roomId)?.head ?? 0
    const page = await server.events(roomId, { after, limit: CATCH_UP_PAGE })
    const now = byRoom.get(roomId)
    if (now?.status !== 'ready') return
    if (now.epoch !== page.epoch) {
      byRoom.set(roomId, LOADING)
      return load(roomId)
    }
    change(roomId, appendPage(now, page))
    outbox.settle(page.events)
  }

  function isBehind(roomId: number): boolean {
    const timeline = byRoom.get(roomId)
    return timeline?.status === 'ready' && timeline.head < timeline.wanted
  }

  const retryDelay = new Map<number, number>()

  function retryLater(roomId: number): void {
    clearTimeout(retries.get(roomId))
    const delay = retryDelay.get(roomId) ?? RETRY_MIN_MS
    retryDelay.set(roomId, Math.min(delay * 2, RETRY_MAX_MS))
    retries.set(roomId, setTimeout(() => void catchUp(roomId), delay))
  }

  async function loadOlder(roomId: number): Promise<void> {
    const known = byRoom.get(roomId)
    const first = known?.events[0]
    if (known?.status !== 'ready' || known.fromStart || known.older === 'loading' || !first) return
    change(roomId, { older: 'loading' })
    try {
      const page = await server.events(roomId, { before: first.seq, limit: PAGE })
      const now = byRoom.get(roomId)
      // The timeline may have been replaced or trimmed while the page was on its way: then it fits no longer.
      if (!now || now.epoch !== page.epoch || now.events[0]?.seq !== first.seq) return stopLoadingOlder(roomId)
      change(roomId, { ...prependPage(now, page), older: 'idle' })
    } catch {
      if (byRoom.has(roomId)) change(roomId, { older: 'failed' })
    }
  }

  function stopLoadingOlder(roomId: number): void {
    if (byRoom.has(roomId)) change(roomId, { older: 'idle' })
  }

  function keepNewest(roomId: number, keep: number): void {
    const known = byRoom.get(roomId)
    if (known && known.events.length > keep) change(roomId, trim(known, keep))
  }

  function drop(roomId: number): void {
    clearTimeout(retries.get(roomId))
    retries.delete(roomId)
    retryDelay.delete(roomId)
    byRoom.delete(roomId)
  }

  function clear(): void {
    for (const roomId of [...byRoom.keys()]) drop(roomId)
  }

  return { byRoom, open, take, compare, loadOlder, keepNewest, drop, clear }
})
