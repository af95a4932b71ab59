import { defineStore } from 'pinia'
import { computed, ref, shallowReactive } from 'vue'
import { asFailure } from '@/api/failure'
import { server } from '@/api/server'
import type { NewRoom, OpenRoom, Room, RoomEvent } from '@/api/types'
import { isNews } from '@/timeline/news'
import { useSessionStore } from './session'

/** So often, at most, the position in one room is saved: in a busy conversation each message moves it. */
const SAVE_READ_EVERY_MS = 2_000

/** The rooms I am in. Snapshots come by REST, events by the socket; whichever knows more of a room's log wins. */
export const useRoomsStore = defineStore('rooms', () => {
  const session = useSessionStore()
  const byId = shallowReactive(new Map<number, Room>())
  const status = ref<'loading' | 'ready' | 'failed'>('loading')
  /** Rooms that came or went while a list was on its way: about them the list is out of date. */
  let touched = new Set<number>()
  const unsavedReads = new Map<number, number>()
  /** Rooms whose position was saved a moment ago. */
  const pauses = new Map<number, ReturnType<typeof setTimeout>>()
  let loading: Promise<void> | null = null
  let queued: Promise<void> | null = null

  const all = computed(() => [...byId.values()].sort((a, b) => a.name.localeCompare(b.name)))
  const unread = computed(() => all.value.reduce((sum, room) => sum + room.unread, 0))

  /** A list asked for while another is on its way is fetched after it: the first may be too old for who asks now. */
  function load(): Promise<void> {
    if (!loading) return (loading = fetchAll().finally(() => (loading = null)))
    queued ??= loading
      .catch(() => undefined)
      .then(() => {
        queued = null
        return load()
      })
    return queued
  }

  async function fetchAll(): Promise<void> {
    touched = new Set()
    try {
      const rooms = await server.rooms()
      const listed = new Set(rooms.map((room) => room.id))
      for (const id of [...byId.keys()]) if (!listed.has(id) && !touched.has(id)) byId.delete(id)
      for (const room of rooms) if (byId.has(room.id) || !touched.has(room.id)) byId.set(room.id, merged(room))
      status.value = 'ready'
    } catch (error) {
      if (status.value !== 'ready') status.value = 'failed'
      throw error
    }
  }

  /** A snapshot may be older than events already applied: heads and read positions only grow. */
  function merged(room: Room): Room {
    const known = byId.get(room.id)
    if (known?.epoch !== room.epoch) return room
    if (known.head_seq <= room.head_seq) return readUpTo(room, known.read_seq)
    const { head_seq, members, read_seq, unread } = known
    return readUpTo({ ...room, head_seq, members, read_seq, unread }, room.read_seq)
  }

  function put(room: Room): void {
    touched.add(room.id)
    byId.set(room.id, merged(room))
  }

  function remove(id: number): void {
    touched.add(id)
    byId.delete(id)
  }

  async function fetch(id: number): Promise<void> {
    put(await server.room(id))
  }

  function take(roomId: number, events: readonly RoomEvent[]): void {
    const known = byId.get(roomId)
    if (!known) return
    const fresh = events.filter((event) => event.seq > known.head_seq)
    if (fresh.length === 0) return
    const head_seq = Math.max(...fresh.map((event) => event.seq))
    const joined = fresh.filter((event) => event.kind === 'joined').length
    const left = fresh.filter((event) => event.kind === 'left').length
    const news = fresh.filter((event) => isNews(event, session.user?.id)).length
    byId.set(roomId, { ...known, head_seq, members: known.members + joined - left, unread: known.unread + news })
  }

  /** Open rooms I could join. */
  function directory(): Promise<OpenRoom[]> {
    return server.openRooms()
  }

  async function create(room: NewRoom): Promise<Room> {
    const created = await server.createRoom(room)
    put(created)
    return created
  }

  async function join(id: number): Promise<Room> {
    const room = await server.join(id)
    put(room)
    return room
  }

  async function leave(id: number): Promise<void> {
    await server.leave(id)
    remove(id)
  }

  async function markRead(id: number, seq: number): Promise<void> {
    const known = byId.get(id)
    if (!known || seq <= known.read_seq) return
    byId.set(id, readUpTo(known, seq))
    unsavedReads.set(id, seq)
    if (!pauses.has(id)) await saveAndPause(id, seq)
  }

  /** What moved during the pause is saved after it, once. */
  async function saveAndPause(id: number, seq: number): Promise<void> {
    const goOn = () => {
      pauses.delete(id)
      const latest = unsavedReads.get(id) ?? 0
      if (latest > seq) void saveAndPause(id, latest)
    }
    pauses.set(id, setTimeout(goOn, SAVE_READ_EVERY_MS))
    await saveRead(id, seq)
  }

  /** Shown at once and saved when it can be: a position that could not be saved goes out after the reconnect. */
  async function saveRead(id: number, seq: number): Promise<void> {
    try {
      await server.markRead(id, seq)
    } catch (error) {
      if (asFailure(error).temporary) return
    }
    if (unsavedReads.get(id) === seq) unsavedReads.delete(id)
  }

  async function saveReads(): Promise<void> {
    for (const [id, seq] of [...unsavedReads]) await saveRead(id, seq)
  }

  function clear(): void {
    byId.clear()
    unsavedReads.clear()
    pauses.forEach(clearTimeout)
    pauses.clear()
    status.value = 'loading'
  }

  return { byId, all, unread, status, load, put, remove, fetch, take, directory, create, join, leave, markRead, saveReads, clear }
})

/** A room of which more is read than what its count of unread messages was made of. */
function readUpTo(room: Room, seq: number): Room {
  if (seq <= room.read_seq) return room
  return { ...room, read_seq: seq, unread: Math.min(room.unread, Math.max(0, room.head_seq - seq)) }
}
