import { computed, reactive, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useWaitText } from './useWaitText'
import { asFailure } from '@/api/failure'
import type { Failure } from '@/api/failure'
import { useSessionStore } from '@/stores/session'

/** The sign-in form and its second step: what was typed, what is wrong with it, and the one verb. */
export function useSignIn() {
  const { t } = useI18n()
  const waitText = useWaitText()
  const session = useSessionStore()
  const form = reactive({ email: '', password: '', code: '' })
  /** What the server answered a right password with; empty: the password is asked for. */
  const challenge = ref('')
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
      if (challenge.value) await session.secondStep(challenge.value, form.code.trim())
      else await session.signIn(form.email.trim(), form.password)
    } catch (error) {
      show(asFailure(error))
    } finally {
      busy.value = false
    }
  }

  function missing(): Record<string, string[]> {
    const needed = challenge.value ? (['code'] as const) : (['email', 'password'] as const)
    const empty = needed.filter((name) => form[name].trim() === '')
    return Object.fromEntries(empty.map((name) => [name, [t('login.required')]]))
  }

  function show(failure: Failure): void {
    form.code = ''
    if (failure.code === 'second_factor_needed') {
      challenge.value = failure.challenge
      return
    }
    // Too many tries end the challenge as well: the next one begins with the password.
    if (challenge.value && (failure.kind === 'signed-out' || failure.kind === 'too-many')) beginAgain()
    fields.value = failure.fields
    message.value = failure.code === 'wrong_code' ? '' : sentence(failure)
  }

  function beginAgain(): void {
    challenge.value = ''
    form.code = ''
    form.password = ''
    message.value = ''
    fields.value = {}
  }

  function sentence(failure: Failure): string {
    switch (failure.kind) {
      case 'signed-out':
        return failure.code === 'challenge_over' ? t('secondStep.again') : t('login.wrong')
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
    return t('login.tooMany', { wait: waitText(seconds) })
  }

  return { form, challenge, fields, message, note, busy, submit, beginAgain }
}
