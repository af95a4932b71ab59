import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { asFailure } from '@/api/failure'
import { server } from '@/api/server'
import type { Session, SignedIn, User } from '@/api/types'

const RETRY_MIN_MS = 1_000
const RETRY_MAX_MS = 15_000

export type SessionStatus = 'starting' | 'unreachable' | 'signed-out' | 'signed-in'

/** Who is signed in. Only the server's own word ends a session; a lost connection never does. */
export const useSessionStore = defineStore('session', () => {
  const status = ref<SessionStatus>('starting')
  const user = ref<User | null>(null)
  const session = ref<Session | null>(null)
  /** True when the session ended without the member asking for it: the sign-in page says so. */
  const wasEnded = ref(false)
  /** True when it ended because the browser is somebody else's now: the page has to start anew. */
  const takenOver = ref(false)
  /** True when the server requires a second factor that they have not turned on yet: nothing else opens till then. */
  const mustEnrol = ref(false)
  const signedIn = computed(() => status.value === 'signed-in')
  let retry: ReturnType<typeof setTimeout> | undefined
  let delay = RETRY_MIN_MS

  function accept(found: SignedIn): void {
    user.value = found.user
    session.value = found.session
    mustEnrol.value = found.must_enrol ?? false
    status.value = 'signed-in'
    wasEnded.value = false
    takenOver.value = false
  }

  /** Asks who we are, until somebody answers. */
  async function start(): Promise<void> {
    clearTimeout(retry)
    try {
      accept(await server.session())
    } catch (error) {
      if (asFailure(error).kind === 'signed-out') status.value = 'signed-out'
      else tryAgainLater()
    }
  }

  function tryAgainLater(): void {
    status.value = 'unreachable'
    retry = setTimeout(() => void start(), delay)
    delay = Math.min(delay * 2, RETRY_MAX_MS)
  }

  async function signIn(email: string, password: string): Promise<void> {
    accept(await server.signIn(email, password))
  }

  /** The second step, when the server answered the first with a challenge. */
  async function secondStep(challenge: string, code: string): Promise<void> {
    accept(await server.secondStep(challenge, code))
  }

  async function signOut(): Promise<void> {
    await server.signOut().catch((error: unknown) => {
      // Already gone is as good as ended; anything else is told, because the session would live on.
      if (asFailure(error).kind !== 'signed-out') throw error
    })
    forget()
  }

  /** The server said that the session is gone. */
  function ended(): void {
    if (status.value !== 'signed-in') return
    forget()
    wasEnded.value = true
  }

  /**
   * Are we still who is signed in? All tabs share one cookie: when another tab signed in somebody else, ours is over,
   * too. Undefined: the server did not say.
   */
  async function identify(): Promise<boolean | undefined> {
    try {
      meet((await server.session()).user)
    } catch (error) {
      if (asFailure(error).kind !== 'signed-out') return signedIn.value ? undefined : false
      ended()
    }
    return signedIn.value
  }

  function meet(found: User): void {
    if (!signedIn.value || found.id === user.value?.id) return
    ended()
    takenOver.value = true
  }

  /** Is the session still there? No answer counts as yes. */
  async function verify(): Promise<boolean> {
    return (await identify()) ?? true
  }

  function forget(): void {
    user.value = null
    session.value = null
    mustEnrol.value = false
    status.value = 'signed-out'
    wasEnded.value = false
    takenOver.value = false
  }

  return {
    status, user, session, wasEnded, takenOver, mustEnrol, signedIn,
    start, signIn, secondStep, signOut, ended, identify, verify,
  }
})
