import { nextTick, onMounted, onScopeDispose, watch } from 'vue'
import type { Ref } from 'vue'

const MAX_SHARE_OF_PAGE = 0.4

/** A textarea as tall as its text, up to a share of the page; from there on it scrolls. */
export function useAutoGrow(area: Ref<HTMLTextAreaElement | null>, text: Ref<string>): void {
  function grow(): void {
    const element = area.value
    if (!element) return
    element.style.height = 'auto'
    const limit = window.innerHeight * MAX_SHARE_OF_PAGE
    element.style.height = `${Math.min(element.scrollHeight, limit)}px`
    element.style.overflowY = element.scrollHeight > limit ? 'auto' : 'hidden'
  }

  watch(text, () => void nextTick(grow))
  onMounted(() => {
    grow()
    window.addEventListener('resize', grow)
  })
  onScopeDispose(() => window.removeEventListener('resize', grow))
}
