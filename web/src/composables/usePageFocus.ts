import { onScopeDispose, readonly, ref } from 'vue'

/** True while somebody is really looking: the page is visible and has the focus. */
export function usePageFocus() {
  const isLooking = () => document.visibilityState === 'visible' && document.hasFocus()
  const focused = ref(isLooking())
  const update = () => (focused.value = isLooking())

  window.addEventListener('focus', update)
  window.addEventListener('blur', update)
  document.addEventListener('visibilitychange', update)
  onScopeDispose(() => {
    window.removeEventListener('focus', update)
    window.removeEventListener('blur', update)
    document.removeEventListener('visibilitychange', update)
  })
  return readonly(focused)
}
