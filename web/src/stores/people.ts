import { defineStore } from 'pinia'
import { server } from '@/api/server'
import type { Member, Person } from '@/api/types'

/** People and who is where. Asked for when a dialog opens and not kept: a list of people grows old quickly. */
export const usePeopleStore = defineStore('people', () => {
  const byName = (a: Person, b: Person) => a.name.localeCompare(b.name)

  async function members(roomId: number): Promise<Member[]> {
    return (await server.members(roomId)).sort((a, b) => byName(a.person, b.person))
  }

  async function everybody(): Promise<Person[]> {
    return (await server.people()).sort(byName)
  }

  async function add(roomId: number, person: Person): Promise<void> {
    await server.addMember(roomId, person.id)
  }

  return { members, everybody, add }
})
