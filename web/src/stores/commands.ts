import { defineStore } from 'pinia'
import { reactive, ref } from 'vue'
import { asFailure } from '@/api/failure'
import { server } from '@/api/server'
import type { Command } from '@/api/types'
import { tabShelf } from '@/lib/storage'
import { uuid } from '@/lib/uuid'

const MAX_ATTEMPTS = 3
const RETRY_MS = 1_000
const FRESH_MS = 60_000

/** A command on its way, or what came of the last one of a room. */
export interface Run {
  text: string
  clientId: string
  state: 'running' | 'failed' | 'done'
  /** What the server said, to me alone: why it failed, or its answer. */
  says: string
  /** Failed for a reason that may pass: the same text goes out under the same client id, so it cannot run twice. */
  mayPass: boolean
}

/** Slash commands: which there are, and those I run. What a command posts comes as an event, as all messages do. */
export const useCommandsStore = defineStore('commands', () => {
  const offered = ref<Command[]>([])
  const runs = reactive(new Map<number, Run>())
  let loadedAt = -Infinity

  /** The list, as fresh as it needs to be. Without one there is nothing to choose from, and typing goes on. */
  async function load(): Promise<void> {
    if (Date.now() - loadedAt < FRESH_MS) return
    loadedAt = Date.now()
    try {
      offered.value = await server.commands()
    } catch {
      loadedAt = -Infinity
    }
  }

  async function run(userId: number, roomId: number, text: string): Promise<void> {
    if (runs.get(roomId)?.state === 'running') return
    const key = `command.${userId}.${roomId}`
    const clientId = unfinished(key, text) ?? uuid()
    // Until it is known what came of it, a reload must not make another run of it.
    tabShelf.write(key, { text, clientId })
    runs.set(roomId, { text, clientId, state: 'running', says: '', mayPass: false })
    const outcome = await ask(roomId, text, clientId)
    if (!outcome.mayPass) tabShelf.remove(key)
    // Whoever signed out meanwhile, or somebody after them, is told nothing.
    if (runs.get(roomId)?.clientId === clientId) runs.set(roomId, { text, clientId, ...outcome })
  }

  async function ask(roomId: number, text: string, clientId: string): Promise<Pick<Run, 'state' | 'says' | 'mayPass'>> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { answer } = await server.runCommand(roomId, text, clientId)
        return { state: 'done', says: answer ?? '', mayPass: false }
      } catch (error) {
        const failure = asFailure(error)
        const isUnclear = failure.kind === 'unreachable' || failure.code === 'busy'
        if (!isUnclear || attempt >= MAX_ATTEMPTS) return { state: 'failed', says: failure.message, mayPass: failure.temporary }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS * attempt))
      }
    }
  }

  function dismiss(roomId: number): void {
    if (runs.get(roomId)?.state !== 'running') runs.delete(roomId)
  }

  /** Forgets what belongs to whoever was signed in. */
  function clear(): void {
    runs.clear()
    offered.value = []
    loadedAt = -Infinity
  }

  return { offered, runs, load, run, dismiss, clear }
})

function unfinished(key: string, text: string): string | undefined {
  const saved = tabShelf.read(key) as { text?: unknown; clientId?: unknown } | undefined
  return saved?.text === text && typeof saved.clientId === 'string' ? saved.clientId : undefined
}
