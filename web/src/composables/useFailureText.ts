import { useI18n } from 'vue-i18n'
import { asFailure } from '@/api/failure'
import { useToastsStore } from '@/stores/toasts'

/** Says in one sentence what went wrong: as text, or in a toast. */
export function useFailureText() {
  const { t } = useI18n()
  const toasts = useToastsStore()

  function textOf(error: unknown): string {
    const failure = asFailure(error)
    if (failure.kind === 'unreachable') return t('errors.unreachable')
    if (failure.kind === 'busy') return t('errors.busy')
    if (failure.kind === 'too-many') return t('errors.tooMany')
    if (failure.kind === 'missing') return t('errors.missing')
    return failure.message || t('errors.failed')
  }

  return { textOf, toast: (error: unknown) => toasts.show(textOf(error)) }
}
