import { ref, watch } from 'vue'
import type { Ref } from 'vue'

/** After which event the "New" line stands; null when everything was read. */
export function useDivider(readSeq: number, headSeq: number, focused: Readonly<Ref<boolean>>, head: () => number) {
  const after = ref<number | null>(headSeq > readSeq ? readSeq : null)

  // Somebody who looks away finds the line at the place where they did.
  watch(focused, (isFocused) => {
    if (!isFocused && head() > 0) after.value = head()
  })

  return { after, clear: () => (after.value = null) }
}
