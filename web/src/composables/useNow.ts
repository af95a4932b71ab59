import { onScopeDispose, readonly, ref } from 'vue'

const TICK_MS = 30_000

/** The current time, fresh enough for "today" to become "yesterday" on a page left open. */
export function useNow() {
  const now = ref(new Date())
  const timer = setInterval(() => (now.value = new Date()), TICK_MS)
  onScopeDispose(() => clearInterval(timer))
  return readonly(now)
}
