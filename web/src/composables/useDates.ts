import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { clockTime, dayName, fullTime, mediumDate, relativeTime } from '@/lib/time'

/** Dates in the words of the page and in the order the reader is used to: "en" becomes their own English. */
export function useDates() {
  const { t, locale } = useI18n()
  const region = computed(() => navigator.languages.find((language) => language.startsWith(locale.value)) ?? locale.value)

  return {
    clock: (at: Date) => clockTime(at, region.value),
    full: (at: Date) => fullTime(at, region.value),
    date: (at: Date) => mediumDate(at, region.value),
    relative: (at: Date, now: Date) => relativeTime(at, now, region.value),
    day(at: Date, now: Date): string {
      const day = dayName(at, now, region.value)
      return day.kind === 'date' ? day.text : t(`messages.${day.kind}`)
    },
  }
}
