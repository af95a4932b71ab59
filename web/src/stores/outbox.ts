import { defineStore } from 'pinia'
import { ref } from 'vue'
import type { RoomEvent } from '@/api/types'
import { tabShelf } from '@/lib/storage'
import { uuid } from '@/lib/uuid'

const shelfKey = (userId: number) => `outbox.${userId}`
const MAX_ATTEMPTS = 6
const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 10_000

export interface OutboxEntry {
  clientId: string
  roomId: number
  body: string
  createdAt: string
  /** `sent`: the server has it; its event is on the way to the timeline. */
  state: 'pending' | 'sent' | 'failed'
  /** What the server said about a message it refused. */
  reason?: string
}

/** Thrown by a sender; anything else that is thrown counts as a lost connection. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly temporary: boolean,
  ) {
    super(message)
  }
}

export interface Sender {
  /** Gives the message to the server. A repeat of a client id is harmless, so it may be called again at any time. */
  send(entry: OutboxEntry): Promise<RoomEvent>
  /** The server's event of a message we sent. */
  confirmed(event: RoomEvent): void
}

/**
 * Messages the server has not confirmed. They leave in the order they were written, one at a time in each room, and
 * only while connected. Whatever happens, an entry goes away in three ways only: its event arrived, the writer deleted
 * it, or the writer is no longer in its room.
 */
export const useOutboxStore = defineStore('outbox', () => {
  const entries = ref<OutboxEntry[]>([])
  const busy = new Set<number>()
  const attempts = new Map<string, number>()
  let owner = 0
  let sender: Sender | null = null

  /** Takes up what an earlier load of this page left behind. Each member has an own shelf: nobody sends another's. */
  function restore(userId: number): void {
    owner = userId
    const saved = tabShelf.read(shelfKey(userId))
    const mine = Array.isArray(saved) ? (saved as OutboxEntry[]) : []
    entries.value = mine.map((entry) => (entry.state === 'sent' ? { ...entry, state: 'pending' } : entry))
  }

  function save(): void {
    tabShelf.write(shelfKey(owner), entries.value)
  }

  function send(roomId: number, body: string): void {
    entries.value.push({ clientId: uuid(), roomId, body, createdAt: new Date().toISOString(), state: 'pending' })
    save()
    void pump(roomId)
  }

  function retry(clientId: string): void {
    const entry = find(clientId)
    if (entry?.state !== 'failed') return
    attempts.delete(clientId)
    entry.state = 'pending'
    entry.reason = undefined
    save()
    void pump(entry.roomId)
  }

  function discard(clientId: string): void {
    attempts.delete(clientId)
    entries.value = entries.value.filter((entry) => entry.clientId !== clientId)
    save()
  }

  /** Events that the timeline now shows: their entries have done their duty. */
  function settle(events: readonly RoomEvent[]): void {
    if (entries.value.length === 0) return
    const arrived = new Set(events.filter((event) => event.author.id === owner).map((event) => event.client_id))
    const left = entries.value.filter((entry) => !arrived.has(entry.clientId))
    if (left.length === entries.value.length) return
    entries.value = left
    save()
  }

  function connected(by: Sender): void {
    sender = by
    attempts.clear()
    for (const roomId of new Set(entries.value.map((entry) => entry.roomId))) void pump(roomId)
  }

  function disconnected(): void {
    sender = null
  }

  async function pump(roomId: number): Promise<void> {
    if (busy.has(roomId)) return
    busy.add(roomId)
    try {
      for (let entry = next(roomId); sender && entry; entry = next(roomId)) await attempt(sender, entry)
    } finally {
      busy.delete(roomId)
    }
  }

  async function attempt(by: Sender, entry: OutboxEntry): Promise<void> {
    try {
      const event = await by.send({ ...entry })
      // Marked, not removed: it stays on the page until the timeline has the event itself.
      mark(entry.clientId, { state: 'sent' })
      by.confirmed(event)
    } catch (error) {
      if (error instanceof Refused && !error.temporary) fail(entry.clientId, error.message)
      else await waitToRetry(by, entry, error)
    }
  }

  /** A lost connection is waited for without end; a server that keeps saying "not now" is not. */
  async function waitToRetry(by: Sender, entry: OutboxEntry, error: unknown): Promise<void> {
    if (by !== sender) return
    const count = (attempts.get(entry.clientId) ?? 0) + 1
    attempts.set(entry.clientId, count)
    if (error instanceof Refused && count >= MAX_ATTEMPTS) return fail(entry.clientId, error.message)
    await new Promise((resolve) => setTimeout(resolve, Math.min(RETRY_MIN_MS * 2 ** (count - 1), RETRY_MAX_MS)))
  }

  function fail(clientId: string, reason: string): void {
    attempts.delete(clientId)
    mark(clientId, { state: 'failed', reason })
  }

  function mark(clientId: string, changes: Partial<OutboxEntry>): void {
    const entry = find(clientId)
    if (!entry) return
    Object.assign(entry, changes)
    save()
  }

  function find(clientId: string): OutboxEntry | undefined {
    return entries.value.find((entry) => entry.clientId === clientId)
  }

  function next(roomId: number): OutboxEntry | undefined {
    return entries.value.find((entry) => entry.roomId === roomId && entry.state === 'pending')
  }

  /** We are no longer in the room: what it has not got can go nowhere. */
  function dropRoom(roomId: number): void {
    const dropped = entries.value.filter((entry) => entry.roomId === roomId)
    for (const { clientId } of dropped) discard(clientId)
  }

  /** Forgets everything on this page; `erase` also what a reload would find. */
  function clear({ erase = false } = {}): void {
    sender = null
    entries.value = []
    attempts.clear()
    if (erase) tabShelf.remove(shelfKey(owner))
  }

  return { entries, restore, send, retry, discard, settle, connected, disconnected, dropRoom, clear }
})
