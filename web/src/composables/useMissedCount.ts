import { computed, ref, watch } from 'vue'
import type { Item } from '@/timeline/items'

interface Options {
  items: () => readonly Item[]
  atBottom: () => boolean
  head: () => number
  me: () => number
}

/** How many messages of others came since the reader left the bottom. */
export function useMissedCount({ items, atBottom, head, me }: Options) {
  const seen = ref(0)

  watch([atBottom, head], () => {
    if (atBottom()) seen.value = head()
  }, { immediate: true })

  return computed(() => {
    if (atBottom()) return 0
    return items().filter(
      (item) => item.type === 'message' && Number.isFinite(item.seq) && item.seq > seen.value && item.author.id !== me(),
    ).length
  })
}
