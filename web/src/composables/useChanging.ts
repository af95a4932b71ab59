import { ref } from 'vue'
import { useFailureText } from './useFailureText'

/** Changing what is shown: `busy` until it is done, a word when it fails, and then a fresh look at all of it. */
export function useChanging(load: () => Promise<void>) {
  const { toast } = useFailureText()
  const busy = ref(false)

  async function change(action: Promise<unknown>): Promise<void> {
    busy.value = true
    try {
      await action
    } catch (cause) {
      toast(cause)
    }
    busy.value = false
    await load()
  }

  return { busy, change }
}
