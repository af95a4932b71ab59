import { computed, reactive, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { asFailure } from '@/api/failure'
import type { Failure } from '@/api/failure'
import { useSessionStore } from '@/stores/session'

/** The sign-in form: what was typed, what is wrong with it, and the one verb. */
export function useSignIn() {
  const { t } = useI18n()
  const session = useSessionStore()
  const form = reactive({ email: '', password: '' })
  const fields = ref<Record<string, string[]>>({})
  const message = ref('')
  const busy = ref(false)
  const note = computed(() => (session.wasEnded ? t('login.ended') : ''))

  async function submit(): Promise<void> {
    if (busy.value) return
    message.value = ''
    fields.value = missing()
    if (Object.keys(fields.value).length > 0) return
    busy.value = true
    try {
      await session.signIn(form.email.trim(), form.password)
    } catch (error) {
      show(asFailure(error))
    } finally {
      busy.value = false
    }
  }

  function missing(): Record<string, string[]> {
    const empty = (['email', 'password'] as const).filter((name) => form[name].trim() === '')
    return Object.fromEntries(empty.map((name) => [name, [t('login.required')]]))
  }

  function show(failure: Failure): void {
    fields.value = failure.fields
    message.value = sentence(failure)
  }

  function sentence(failure: Failure): string {
    switch (failure.kind) {
      case 'signed-out':
        return t('login.wrong')
      case 'too-many':
        return tooMany(failure.retryAfterS)
      case 'unreachable':
        return t('login.unreachable')
      case 'busy':
        return t('login.busy')
      case 'invalid':
        return t('login.invalid')
      default:
        return failure.message || t('login.failed')
    }
  }

  function tooMany(seconds: number | undefined): string {
    if (seconds === undefined) return t('login.tooManyLater')
    const minutes = Math.ceil(seconds / 60)
    const wait = seconds < 90 ? t('wait.seconds', seconds) : t('wait.minutes', minutes)
    return t('login.tooMany', { wait })
  }

  return { form, fields, message, note, busy, submit }
}
