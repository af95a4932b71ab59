/** Small things to test with. Ann is who looks at the page; Björn and Chidi are the others. */
import type { EventPage, Person, Room, RoomEvent, SignedIn } from '@/api/types'

export const ann: Person = { id: 1, name: 'Ann Sommers' }
export const bjorn: Person = { id: 2, name: 'Björn Åkesson' }
export const chidi: Person = { id: 3, name: 'Chidi Okafor' }

export const NOON = Date.parse('2026-11-21T12:00:00Z')

/** Event number `seq` of room 7; each is a minute after the one before. */
export function event(seq: number, changes: Partial<RoomEvent> = {}): RoomEvent {
  return {
    room_id: 7,
    seq,
    kind: 'message',
    author: bjorn,
    client_id: `client-${seq}`,
    body: `message ${seq}`,
    created_at: new Date(NOON + seq * 60_000).toISOString(),
    ...changes,
  }
}

export function events(from: number, to: number): RoomEvent[] {
  return Array.from({ length: to - from + 1 }, (_, index) => event(from + index))
}

/** A page as the server gives it: by default with nothing before it. */
export function page(list: RoomEvent[], changes: Partial<EventPage> = {}): EventPage {
  return { events: list, epoch: 'e1', head_seq: list[list.length - 1]?.seq ?? 0, more: false, ...changes }
}

export function room(changes: Partial<Room> = {}): Room {
  return {
    id: 7,
    name: 'general',
    topic: 'Everything',
    visibility: 'open',
    epoch: 'e1',
    head_seq: 0,
    read_seq: 0,
    unread: 0,
    members: 2,
    ...changes,
  }
}

export function signedIn(by: Person = ann): SignedIn {
  const at = new Date(NOON).toISOString()
  return {
    user: { id: by.id, email: 'ann@example.org', name: by.name, role: 'member' },
    session: {
      id: 1,
      kind: 'browser',
      created_at: at,
      used_at: at,
      expires_at: at,
      address: '192.0.2.1',
      user_agent: '',
      made_with: ['password'],
      current: true,
    },
    must_enrol: false,
  }
}
