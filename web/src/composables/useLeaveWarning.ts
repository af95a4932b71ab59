import { onMounted, onScopeDispose } from 'vue'

/** Asks before the tab is closed while something would be lost with it. */
export function useLeaveWarning(hasUnsent: () => boolean): void {
  function warn(event: BeforeUnloadEvent): void {
    if (hasUnsent()) event.preventDefault()
  }

  onMounted(() => window.addEventListener('beforeunload', warn))
  onScopeDispose(() => window.removeEventListener('beforeunload', warn))
}
