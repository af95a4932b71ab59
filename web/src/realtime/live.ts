/** Joins the socket to the stores: subscribe first, fetch second, apply third. */
import type { RoomEvent } from '@/api/types'
import { useCommandsStore } from '@/stores/commands'
import { useConnectionStore } from '@/stores/connection'
import { useOutboxStore } from '@/stores/outbox'
import type { Sender } from '@/stores/outbox'
import { useRoomsStore } from '@/stores/rooms'
import { useSessionStore } from '@/stores/session'
import { useTimelinesStore } from '@/stores/timelines'
import { openSocket, socketUrl } from './socket'
import type { Position, Socket, SocketHandlers } from './socket'

/** While attempts fail, how often to ask whether it is because the session is gone. */
const VERIFY_EVERY_MS = 15_000
/** A confirmed message usually arrives by the socket in this time, in its place; only then is a gap worth a request. */
const GAP_GRACE_MS = 400
const RETRY_MS = 3_000

export interface Live {
  start(): void
  reconnect(): void
  stop(): void
}

interface Visit {
  isOurs: boolean
}

export function createLive(open: (handlers: SocketHandlers) => Socket = openHere): Live {
  const connection = useConnectionStore()
  const rooms = useRoomsStore()
  const timelines = useTimelinesStore()
  const outbox = useOutboxStore()
  const session = useSessionStore()
  const commands = useCommandsStore()
  const timers = new Set<ReturnType<typeof setTimeout>>()
  /** Rooms we are out of, whose unsent messages are still there. */
  const left = new Set<number>()
  /** The present connection; null without one. */
  let visit: Visit | null = null
  let verifiedAt = 0
  let stopping = false

  const socket = open({
    connecting() {
      lost()
      connection.connecting()
    },
    connected() {
      connection.connected()
      visit = { isOurs: false }
      void settleIn(visit)
    },
    closed() {
      lost()
      if (!stopping) void ended()
    },
    troubled() {
      if (stopping || Date.now() - verifiedAt < VERIFY_EVERY_MS) return
      verifiedAt = Date.now()
      void session.verify()
    },
    subscribed,
    unsubscribed(roomId) {
      rooms.remove(roomId)
      timelines.drop(roomId)
      left.add(roomId)
      if (visit?.isOurs) dropLeft()
    },
    events: take,
  })

  const sender: Sender = {
    send: ({ roomId, body, clientId }) =>
      socket.call<RoomEvent>('messages.send', { room_id: roomId, body, client_id: clientId }),
    confirmed(event) {
      const head = timelines.byRoom.get(event.room_id)?.head
      if (head === undefined || event.seq <= head + 1) take(event.room_id, [event])
      else later(GAP_GRACE_MS, () => take(event.room_id, [event]))
    },
  }

  function lost(): void {
    visit = null
    outbox.disconnected()
  }

  /**
   * The connection has the cookie of its moment, which may be somebody else's by now. Until the server has said that
   * it is ours, nothing of ours goes out, and its rooms say nothing about ours.
   */
  async function settleIn(now: Visit): Promise<void> {
    const isOurs = await session.identify()
    if (now !== visit || stopping || isOurs === false) return
    if (isOurs === undefined) return later(RETRY_MS, () => void settleIn(now))
    now.isOurs = true
    dropLeft()
    outbox.connected(sender)
    void refreshRooms()
    void rooms.saveReads()
  }

  function dropLeft(): void {
    left.forEach(outbox.dropRoom)
    left.clear()
  }

  function take(roomId: number, events: readonly RoomEvent[]): void {
    rooms.take(roomId, events)
    timelines.take(roomId, events)
  }

  function subscribed(roomId: number, position: Position | null, recovered: boolean): void {
    left.delete(roomId)
    const known = rooms.byId.get(roomId)
    if (rooms.status === 'ready' && !known) void fetchRoom(roomId)
    // Recovered means that exactly what was missed follows as publications.
    if (position && !recovered) timelines.compare(roomId, position.epoch, position.offset)
  }

  async function fetchRoom(roomId: number): Promise<void> {
    await rooms.fetch(roomId).catch(() => refreshRooms())
  }

  async function refreshRooms(): Promise<void> {
    // A refusal that will pass is asked again: without the list there is nothing to show.
    await rooms.load().catch(() => later(RETRY_MS, () => void refreshRooms()))
  }

  /** Usually the session is gone. When it is not, coming back is the member's decision: the server said not to. */
  async function ended(): Promise<void> {
    const isSignedIn = await session.verify()
    if (isSignedIn && !stopping) connection.stopped()
  }

  function later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      act()
    }, ms)
    timers.add(timer)
  }

  return {
    start() {
      if (session.user) outbox.restore(session.user.id)
      void refreshRooms()
      connection.connecting()
      socket.connect()
    },
    reconnect: () => socket.connect(),
    stop() {
      stopping = true
      lost()
      timers.forEach(clearTimeout)
      socket.close()
      connection.reset()
      outbox.clear({ erase: !session.signedIn && !session.wasEnded })
      timelines.clear()
      rooms.clear()
      commands.clear()
    },
  }
}

function openHere(handlers: SocketHandlers): Socket {
  return openSocket(socketUrl(window.location), handlers)
}

