/**
 * The log of a room as this page holds it: a stretch of events without holes, ending at `head`.
 * Pure functions: each takes a stretch and gives the next one. The same array back means that nothing changed.
 */
import type { EventPage, RoomEvent } from '@/api/types'

export interface Stretch {
  readonly epoch: string
  /** Ascending by seq. */
  readonly events: readonly RoomEvent[]
  /** The seq of the newest event applied; 0 for a log still empty. */
  readonly head: number
  /** The highest seq we know to exist. Above `head` there is something to fetch. */
  readonly wanted: number
  /** True when the first event of the room is in `events`. */
  readonly fromStart: boolean
}

export const EMPTY: Stretch = { epoch: '', events: [], head: 0, wanted: 0, fromStart: false }

/** The newest page, taken as it is. */
export function stretchOf(page: EventPage, wanted = 0): Stretch {
  const head = lastSeq(page.events, page.head_seq)
  return {
    epoch: page.epoch,
    events: page.events,
    head,
    wanted: Math.max(head, page.head_seq, wanted),
    fromStart: !page.more,
  }
}

/**
 * Events as they arrive, in any order and any number of times. What we have is dropped, what follows is appended,
 * and what lies behind a hole is only remembered as wanted: it comes again with the page that fills the hole.
 */
export function receive(stretch: Stretch, arrived: readonly RoomEvent[]): Stretch {
  const fresh = arrived.filter((event) => event.seq > stretch.head).sort((a, b) => a.seq - b.seq)
  if (fresh.length === 0) return stretch
  let head = stretch.head
  const next: RoomEvent[] = []
  for (const event of fresh) {
    if (event.seq !== head + 1) continue
    next.push(event)
    head = event.seq
  }
  const wanted = Math.max(stretch.wanted, fresh[fresh.length - 1]?.seq ?? 0)
  return { ...stretch, events: next.length ? [...stretch.events, ...next] : stretch.events, head, wanted }
}

/** A page that was asked for as "after head": the server's word on what comes next, holes and all. */
export function appendPage(stretch: Stretch, page: EventPage): Stretch {
  const next = page.events.filter((event) => event.seq > stretch.head)
  const head = lastSeq(next, stretch.head)
  const settled = page.more ? stretch.wanted : Math.max(head, page.head_seq)
  return { ...stretch, events: [...stretch.events, ...next], head, wanted: Math.max(settled, head) }
}

/** A page that was asked for as "before our first". */
export function prependPage(stretch: Stretch, page: EventPage): Stretch {
  const first = stretch.events[0]?.seq ?? Infinity
  const older = page.events.filter((event) => event.seq < first)
  return { ...stretch, events: [...older, ...stretch.events], fromStart: !page.more }
}

/** A fresh newest page: continues what we have when it can, otherwise takes its place. */
export function refresh(stretch: Stretch, page: EventPage): Stretch {
  const first = page.events[0]?.seq ?? page.head_seq + 1
  const continues = stretch.epoch === page.epoch && first <= stretch.head + 1
  return continues ? appendPage(stretch, { ...page, more: false }) : stretchOf(page)
}

export function trim(stretch: Stretch, keep: number): Stretch {
  if (stretch.events.length <= keep) return stretch
  return { ...stretch, events: stretch.events.slice(-keep), fromStart: false }
}

function lastSeq(events: readonly RoomEvent[], otherwise: number): number {
  return events[events.length - 1]?.seq ?? otherwise
}
