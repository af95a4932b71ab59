import { defineStore } from 'pinia'
import { server } from '@/api/server'
import type { Session } from '@/api/types'

/** Everywhere I am signed in. Asked for when they are looked at. */
export const useSessionsStore = defineStore('sessions', () => {
  /** This one first, then the one used last. */
  async function mine(): Promise<Session[]> {
    const used = (session: Session) => (session.current ? Infinity : Date.parse(session.used_at))
    return (await server.sessions()).sort((a, b) => used(b) - used(a))
  }

  async function end(id: number): Promise<void> {
    await server.endSession(id)
  }

  return { mine, end }
})
