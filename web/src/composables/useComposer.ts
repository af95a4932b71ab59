import { computed } from 'vue'
import type { Ref } from 'vue'
import { COUNT_FROM, MESSAGE_LIMIT, lengthOf } from '@/lib/limits'

/**
 * Text on its way to be a message: may it be sent, how much is left, and which keys send it. `onSend` says whether the
 * text is gone with it, or stays.
 */
export function useComposer(text: Ref<string>, onSend: (body: string) => boolean) {
  const body = computed(() => text.value.replace(/^\s*\n/, '').trimEnd())
  const length = computed(() => lengthOf(body.value))
  const left = computed(() => MESSAGE_LIMIT - length.value)
  const isNear = computed(() => length.value >= COUNT_FROM)
  const canSend = computed(() => body.value.trim() !== '' && left.value >= 0)

  function submit(): void {
    if (!canSend.value) return
    if (onSend(body.value)) text.value = ''
  }

  /** Enter sends, unless it ends a composition (Chinese, Japanese, Korean) or comes from an on-screen keyboard. */
  function onKeydown(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === COMPOSING || isTouch()) return
    event.preventDefault()
    submit()
  }

  return { left, isNear, canSend, submit, onKeydown }
}

/** Safari ends the composition before it tells of the key; only the old key code still knows. */
const COMPOSING = 229

function isTouch(): boolean {
  return window.matchMedia('(pointer: coarse) and (hover: none)').matches
}
