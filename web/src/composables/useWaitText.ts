import { useI18n } from 'vue-i18n'

/** How long to wait, as people say it. */
export function useWaitText() {
  const { t } = useI18n()
  return (seconds: number): string => (seconds < 90 ? t('wait.seconds', seconds) : t('wait.minutes', Math.ceil(seconds / 60)))
}
