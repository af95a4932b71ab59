import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { server } from '@/api/server'
import type { Confirmation } from '@/api/types'
import { useSessionStore } from '@/stores/session'

/** Somebody who signed in a while ago is asked whether it is still they. Whatever waits for it hears of one answer. */
export const useConfirmingStore = defineStore('confirming', () => {
  const session = useSessionStore()
  const isAsking = ref(false)
  /** They signed in with a code: without a second factor nobody has one. */
  const hasCode = computed(() => session.session?.made_with.some((proof) => proof === 'totp' || proof === 'recovery') ?? false)
  let waiting: ((confirmed: boolean) => void)[] = []

  function ask(): Promise<boolean> {
    isAsking.value = true
    return new Promise((resolve) => waiting.push(resolve))
  }

  async function confirm(given: Confirmation): Promise<void> {
    const renewed = await server.confirm(given)
    session.session = renewed.session
    end(true)
  }

  function refuse(): void {
    end(false)
  }

  function end(confirmed: boolean): void {
    isAsking.value = false
    const told = waiting
    waiting = []
    for (const tell of told) tell(confirmed)
  }

  return { isAsking, hasCode, ask, confirm, refuse }
})
