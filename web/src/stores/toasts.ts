import { defineStore } from 'pinia'
import { ref } from 'vue'

export interface Toast {
  id: number
  text: string
  shownMs: number
}

const SHOWN_MS = 6_000

const MAX_TOASTS = 3

export const useToastsStore = defineStore('toasts', () => {
  const toasts = ref<Toast[]>([])
  let lastId = 0

  function show(text: string, shownMs = SHOWN_MS): void {
    const others = toasts.value.filter((toast) => toast.text !== text)
    toasts.value = [...others, { id: ++lastId, text, shownMs }].slice(-MAX_TOASTS)
  }

  function dismiss(id: number): void {
    toasts.value = toasts.value.filter((toast) => toast.id !== id)
  }

  return { toasts, show, dismiss }
})
