import { onMounted, onScopeDispose } from 'vue'

/**
 * Keeps `--viewport-height` at what the reader really sees. Where an on-screen keyboard covers the page instead of
 * shrinking it (iOS), only the visual viewport knows.
 */
export function useViewportHeight(): void {
  const viewport = window.visualViewport
  if (!viewport) return

  function measure(): void {
    const isCovered = viewport !== null && viewport.scale === 1 && window.innerHeight - viewport.height > 80
    const root = document.documentElement
    if (isCovered) root.style.setProperty('--viewport-height', `${viewport.height}px`)
    else root.style.removeProperty('--viewport-height')
    if (isCovered) window.scrollTo(0, 0)
  }

  onMounted(() => viewport.addEventListener('resize', measure))
  onScopeDispose(() => viewport.removeEventListener('resize', measure))
}
