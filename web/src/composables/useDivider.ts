import { ref, watch } from 'vue'
import type { Ref } from 'vue'
import type { Unread } from '@/timeline/items'

/** Where the "New" line may stand: before what came while nobody was looking. Null when there is nothing of that kind. */
export function useDivider(readSeq: number, headSeq: number, focused: Readonly<Ref<boolean>>, head: () => number) {
  const unread = ref<Unread | null>(headSeq > readSeq ? { after: readSeq, until: headSeq } : null)

  // Somebody who looks away finds the line at the place where they did.
  watch(focused, (isFocused) => {
    if (head() === 0) return
    if (!isFocused) unread.value = { after: head(), until: Infinity }
    else if (unread.value?.until === Infinity) unread.value = { after: unread.value.after, until: head() }
  })

  return { unread, clear: () => (unread.value = null) }
}
