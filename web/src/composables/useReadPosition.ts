import { onScopeDispose, watch } from 'vue'

const READ_AFTER_MS = 400

interface Options {
  /** The newest event shown, or 0 while nothing is. */
  head: () => number
  readSeq: () => number
  /** True when the newest message is really in front of somebody. */
  isSeen: () => boolean
  save: (seq: number) => void
}

/** Moves the read position once the newest message has been in view for a moment. */
export function useReadPosition({ head, readSeq, isSeen, save }: Options): void {
  let timer: ReturnType<typeof setTimeout> | undefined

  watch(
    () => (isSeen() && head() > readSeq() ? head() : 0),
    (seq) => {
      clearTimeout(timer)
      if (seq > 0) timer = setTimeout(() => save(seq), READ_AFTER_MS)
    },
    { immediate: true, flush: 'post' },
  )
  onScopeDispose(() => clearTimeout(timer))
}
