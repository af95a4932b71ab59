import { Centrifuge } from 'centrifuge'
import type { RoomEvent } from '@/api/types'
import { Refused } from '@/stores/outbox'

const RECONNECT_MIN_MS = 500
const RECONNECT_MAX_MS = 20_000
/** Codes below this are the client library's own: timeouts and closed transports, not words of the server. */
const FIRST_SERVER_CODE = 100

export interface Position {
  epoch: string
  offset: number
}

/** Between two lots of events in a flood: short enough to look live, long enough to draw the page. */
const PAUSE_MS = 50

/** What the socket tells. One small handler each. */
export interface SocketHandlers {
  connecting(): void
  connected(): void
  /** The server will not have us back by itself. */
  closed(): void
  /** An attempt failed; another one follows. */
  troubled(): void
  subscribed(roomId: number, position: Position | null, recovered: boolean): void
  unsubscribed(roomId: number): void
  events(roomId: number, events: readonly RoomEvent[]): void
}

export interface Socket {
  connect(): void
  close(): void
  call<T>(method: string, data: unknown): Promise<T>
}

export function roomOf(channel: string): number | null {
  const found = /^room:(\d+)$/.exec(channel)
  return found ? Number(found[1]) : null
}

export function socketUrl({ protocol, host }: { protocol: string; host: string }): string {
  return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/connection/websocket`
}

export function openSocket(url: string, handlers: SocketHandlers): Socket {
  const client = new Centrifuge(url, {
    name: 'folkmoot-web',
    minReconnectDelay: RECONNECT_MIN_MS,
    maxReconnectDelay: RECONNECT_MAX_MS,
  })
  const gather = gatherer(handlers.events)
  const withRoom = (channel: string, handle: (roomId: number) => void) => {
    const roomId = roomOf(channel)
    if (roomId !== null) handle(roomId)
  }

  client.on('connecting', () => handlers.connecting())
  client.on('connected', () => handlers.connected())
  client.on('disconnected', () => handlers.closed())
  client.on('error', () => handlers.troubled())
  client.on('subscribed', ({ channel, streamPosition, recovered }) =>
    withRoom(channel, (roomId) => handlers.subscribed(roomId, streamPosition ?? null, recovered)),
  )
  client.on('unsubscribed', ({ channel }) => withRoom(channel, (roomId) => handlers.unsubscribed(roomId)))
  client.on('publication', ({ channel, data }) =>
    withRoom(channel, (roomId) => gather(roomId, data as RoomEvent)),
  )

  return {
    connect: () => client.connect(),
    close: () => client.disconnect(),
    async call<T>(method: string, data: unknown): Promise<T> {
      try {
        return (await client.rpc(method, data)).data as T
      } catch (error) {
        throw refusalOf(error)
      }
    },
  }
}

/**
 * Hands events on together, so that the page is laid out once for many of them. A single event goes on at once; in a
 * flood there is a pause between two lots, in which the page can breathe.
 */
export function gatherer(flush: (roomId: number, events: readonly RoomEvent[]) => void) {
  let gathered = new Map<number, RoomEvent[]>()
  let flushedAt = -Infinity
  const flushAll = () => {
    const full = gathered
    gathered = new Map()
    for (const [roomId, events] of full) flush(roomId, events)
    flushedAt = performance.now()
  }
  const schedule = () => {
    const pause = flushedAt + PAUSE_MS - performance.now()
    if (pause > 0) setTimeout(flushAll, pause)
    else queueMicrotask(flushAll)
  }
  return (roomId: number, event: RoomEvent): void => {
    if (gathered.size === 0) schedule()
    const events = gathered.get(roomId)
    if (events) events.push(event)
    else gathered.set(roomId, [event])
  }
}

interface CallError {
  code?: number
  message?: string
  temporary?: boolean
}

function refusalOf(error: unknown): unknown {
  const { code, message, temporary }: CallError = typeof error === 'object' && error !== null ? error : {}
  if (code === undefined || code < FIRST_SERVER_CODE) return error
  return new Refused(message ?? '', temporary === true)
}
