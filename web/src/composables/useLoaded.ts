import { ref, shallowRef } from 'vue'
import { useFailureText } from './useFailureText'

/** Something fetched to be shown: its value, whether it is on its way, and what went wrong. Late answers are dropped. */
export function useLoaded<T>(fetch: () => Promise<T>) {
  const value = shallowRef<T | null>(null)
  const loading = ref(false)
  const error = ref('')
  const { textOf } = useFailureText()
  let asked = 0

  async function load(): Promise<void> {
    const question = ++asked
    loading.value = true
    error.value = ''
    try {
      const found = await fetch()
      if (question === asked) value.value = found
    } catch (cause) {
      if (question === asked) error.value = textOf(cause)
    } finally {
      if (question === asked) loading.value = false
    }
  }

  return { value, loading, error, load }
}
