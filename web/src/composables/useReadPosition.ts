import { onScopeDispose, ref, watch } from 'vue'

const READ_AFTER_MS = 400

interface Options {
  /** The newest event shown, or 0 while nothing is. */
  head: () => number
  readSeq: () => number
  /** True when the newest message is really in front of somebody. */
  isSeen: () => boolean
  save: (seq: number) => void
}

/**
 * Moves the read position once somebody has looked for a moment. From then on what comes is read as it comes: a room
 * in front of somebody never counts as unread, however busy it is.
 */
export function useReadPosition({ head, readSeq, isSeen, save }: Options): void {
  const isLooking = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined

  watch(
    isSeen,
    (is) => {
      clearTimeout(timer)
      isLooking.value = false
      if (is) timer = setTimeout(() => (isLooking.value = true), READ_AFTER_MS)
    },
    { immediate: true },
  )
  watch(
    () => (isLooking.value && isSeen() && head() > readSeq() ? head() : 0),
    (seq) => seq > 0 && save(seq),
  )
  onScopeDispose(() => clearTimeout(timer))
}
