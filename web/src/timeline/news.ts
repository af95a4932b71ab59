import type { RoomEvent } from '@/api/types'

/** Whether an event can be unread: others said it. Who comes and goes is no news, nor is what I said, from wherever. */
export function isNews({ kind, author }: RoomEvent, myId: number | undefined): boolean {
  return (kind === 'message' || kind === 'command') && author.id !== myId
}
