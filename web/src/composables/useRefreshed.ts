import { onMounted, onScopeDispose } from 'vue'

const REFRESH_MS = 5_000

/** Loads when the component is there, and again every few seconds while somebody can see it. */
export function useRefreshed(load: () => Promise<void>): void {
  onMounted(load)
  const timer = setInterval(() => document.visibilityState === 'visible' && void load(), REFRESH_MS)
  onScopeDispose(() => clearInterval(timer))
}
