import { ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useFailureText } from './useFailureText'
import { asFailure } from '@/api/failure'

/** Sending a form: once at a time. What is wrong stands under its field, or else in one sentence above them all. */
export function useSubmit() {
  const { t } = useI18n()
  const { textOf } = useFailureText()
  const fields = ref<Record<string, string[]>>({})
  const message = ref('')
  const busy = ref(false)

  function reset(): void {
    fields.value = {}
    message.value = ''
  }

  /** Sends, unless one of the `needed` fields is blank. */
  async function submit(needed: Record<string, string>, send: () => Promise<unknown>): Promise<void> {
    if (busy.value) return
    reset()
    const blank = Object.entries(needed).filter(([, value]) => value.trim() === '')
    fields.value = Object.fromEntries(blank.map(([name]) => [name, [t('login.required')]]))
    if (blank.length > 0) return
    busy.value = true
    try {
      await send()
    } catch (error) {
      // What is wrong with one of several is named `scopes.1`.
      const wrong = Object.entries(asFailure(error).fields).map(([name, texts]) => [name.split('.')[0], texts])
      fields.value = Object.fromEntries(wrong) as Record<string, string[]>
      if (wrong.length === 0) message.value = textOf(error)
    } finally {
      busy.value = false
    }
  }

  return { fields, message, busy, reset, submit }
}
