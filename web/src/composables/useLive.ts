import { inject, onMounted, onUnmounted, provide } from 'vue'
import type { InjectionKey } from 'vue'
import { createLive } from '@/realtime/live'

const RECONNECT: InjectionKey<() => void> = Symbol('reconnect')

/** Keeps the socket for as long as the page that calls this is there. */
export function useLive(): void {
  const live = createLive()
  onMounted(live.start)
  onUnmounted(live.stop)
  provide(RECONNECT, live.reconnect)
}

export function useReconnect(): () => void {
  return inject(RECONNECT, () => undefined)
}
