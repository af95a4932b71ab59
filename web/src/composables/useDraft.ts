import { ref, watch } from 'vue'
import { tabShelf } from '@/lib/storage'

/** The text being written in one room; it survives changing rooms and reloading the page. */
export function useDraft(userId: () => number, roomId: () => number) {
  const key = () => `draft.${userId()}.${roomId()}`
  const read = () => {
    const saved = tabShelf.read(key())
    return typeof saved === 'string' ? saved : ''
  }
  const text = ref(read())

  watch(roomId, () => (text.value = read()))
  watch(text, (value) => (value === '' ? tabShelf.remove(key()) : tabShelf.write(key(), value)))
  return text
}
