import { defineStore } from 'pinia'
import { ref } from 'vue'

/**
 * connecting: the first time on this page. reconnecting: it was there and is lost. stopped: the server said not to
 * come back, though the session is fine; the member decides.
 */
export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'stopped'

const BACK_NOTE_MS = 1_500

export const useConnectionStore = defineStore('connection', () => {
  const state = ref<ConnectionState>('idle')
  /** True for a moment after a lost connection came back. */
  const isBack = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined

  function connecting(): void {
    state.value = state.value === 'idle' || state.value === 'connecting' ? 'connecting' : 'reconnecting'
    hideBack()
  }

  function connected(): void {
    const wasLost = state.value === 'reconnecting'
    state.value = 'connected'
    hideBack()
    if (!wasLost) return
    isBack.value = true
    timer = setTimeout(hideBack, BACK_NOTE_MS)
  }

  function stopped(): void {
    state.value = 'stopped'
    hideBack()
  }

  function reset(): void {
    state.value = 'idle'
    hideBack()
  }

  function hideBack(): void {
    clearTimeout(timer)
    isBack.value = false
  }

  return { state, isBack, connecting, connected, stopped, reset }
})
