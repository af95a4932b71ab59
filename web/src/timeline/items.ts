/** What the message list shows, in order: days, the unread line, messages and system lines. Pure. */
import type { Person, RoomEvent } from '@/api/types'
import type { OutboxEntry } from '@/stores/outbox'
import { dayKey } from '@/lib/time'
import { isNews } from './news'

export const GROUP_WINDOW_MS = 5 * 60_000

export interface DayItem {
  type: 'day'
  key: string
  at: string
}

export interface UnreadItem {
  type: 'unread'
  key: string
}

/** One shape for a message of ours on its way and for the event it becomes: the element on the page stays the same. */
export interface MessageItem {
  type: 'message'
  key: string
  /** Infinity while the server has not numbered it. */
  seq: number
  author: Person
  body: string
  /** Of a slash command: what its author typed. The body is what came of it. */
  typed: string
  at: string
  grouped: boolean
  state: 'confirmed' | OutboxEntry['state']
  reason: string
  clientId: string
}

export interface SystemItem {
  type: 'system'
  key: string
  event: RoomEvent
}

export type Item = DayItem | UnreadItem | MessageItem | SystemItem

/** The events that came unseen: after one seq, up to another. */
export interface Unread {
  after: number
  until: number
}

export interface ItemOptions {
  me: Person
  unread: Unread | null
}

interface Previous {
  authorId: number
  at: number
}

export function buildItems(
  events: readonly RoomEvent[],
  outgoing: readonly OutboxEntry[],
  { me, unread }: ItemOptions,
): Item[] {
  const items: Item[] = []
  let day = ''
  let previous: Previous | null = null
  const firstUnread = firstOf(events, me, unread)

  const startDay = (at: string) => {
    const key = dayKey(new Date(at))
    if (key === day) return
    day = key
    previous = null
    items.push({ type: 'day', key: `day ${key}`, at })
  }
  const follow = (authorId: number, at: string): boolean => {
    const time = Date.parse(at)
    const grouped = previous?.authorId === authorId && time - previous.at < GROUP_WINDOW_MS
    previous = { authorId, at: time }
    return grouped
  }

  for (const event of events) {
    startDay(event.created_at)
    if (event === firstUnread) {
      previous = null
      items.push({ type: 'unread', key: 'unread' })
    }
    if (event.kind === 'message') {
      const grouped = follow(event.author.id, event.created_at)
      items.push(confirmed(event, grouped))
    } else if (event.kind === 'command') {
      previous = null // neither what was said before nor what is said after belongs to an answer
      items.push(answered(event))
    } else {
      previous = null
      items.push({ type: 'system', key: keyOf(event), event })
    }
  }
  for (const entry of outgoing) {
    startDay(entry.createdAt)
    const grouped = follow(me.id, entry.createdAt)
    items.push(onItsWay(entry, me, grouped))
  }
  return items
}

/** The line stands before what is news to me. */
function firstOf(events: readonly RoomEvent[], me: Person, unread: Unread | null): RoomEvent | undefined {
  if (!unread) return undefined
  return events.find((event) => event.seq > unread.after && event.seq <= unread.until && isNews(event, me.id))
}

function confirmed(event: RoomEvent, grouped: boolean): MessageItem {
  const { seq, author, body, created_at: at, client_id } = event
  const rest = { state: 'confirmed', reason: '', clientId: client_id } as const
  return { type: 'message', key: keyOf(event), seq, author, body: body ?? '', typed: '', at, grouped, ...rest }
}

/** The first line says what was typed, the others what came of it. */
function answered(event: RoomEvent): MessageItem {
  const [typed = '', ...answer] = (event.body ?? '').split('\n')
  return { ...confirmed(event, false), typed, body: answer.join('\n') }
}

function onItsWay({ clientId, body, createdAt: at, state, reason = '' }: OutboxEntry, author: Person, grouped: boolean): MessageItem {
  const key = messageKey(author.id, clientId)
  return { type: 'message', key, seq: Infinity, author, body, typed: '', at, grouped, state, reason, clientId }
}

/** The same for the pending message and for the event it becomes, so that the element on the page stays. */
function keyOf(event: RoomEvent): string {
  return event.client_id ? messageKey(event.author.id, event.client_id) : `seq ${event.seq}`
}

/** The author belongs to the key: somebody else may use our client id, by chance or on purpose. */
function messageKey(authorId: number, clientId: string): string {
  return `message ${authorId} ${clientId}`
}
