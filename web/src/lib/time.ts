/** Dates as people read them. All of it takes the moment to compare with, so that it can be tested. */
const MS_PER_DAY = 86_400_000

export function startOfDay(at: Date): Date {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate())
}

/** Whole days between two moments by the calendar, so that a day of 23 or 25 hours is one day. */
export function daysBetween(earlier: Date, later: Date): number {
  return Math.round((startOfDay(later).getTime() - startOfDay(earlier).getTime()) / MS_PER_DAY)
}

/** A key that is the same for every moment of one local day. */
export function dayKey(at: Date): string {
  return `${at.getFullYear()}-${at.getMonth() + 1}-${at.getDate()}`
}

export type DayName = { kind: 'today' | 'yesterday' } | { kind: 'date'; text: string }

export function dayName(at: Date, now: Date, locale: string): DayName {
  const days = daysBetween(at, now)
  if (days === 0) return { kind: 'today' }
  if (days === 1) return { kind: 'yesterday' }
  const options: Intl.DateTimeFormatOptions = { weekday: 'long', day: 'numeric', month: 'long' }
  if (at.getFullYear() !== now.getFullYear()) options.year = 'numeric'
  return { kind: 'date', text: new Intl.DateTimeFormat(locale, options).format(at) }
}

const clocks = new Map<string, Intl.DateTimeFormat>()

export function clockTime(at: Date, locale: string): string {
  let format = clocks.get(locale)
  if (!format) {
    format = new Intl.DateTimeFormat(locale, { timeStyle: 'short' })
    clocks.set(locale, format)
  }
  return format.format(at)
}

export function fullTime(at: Date, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'medium' }).format(at)
}

export function mediumDate(at: Date, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(at)
}

/** "3 minutes ago", "yesterday": for when a session was last used. */
export function relativeTime(at: Date, now: Date, locale: string): string {
  const seconds = Math.round((at.getTime() - now.getTime()) / 1000)
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
  if (seconds > -60) return format.format(0, 'minute')
  if (seconds > -3600) return format.format(Math.round(seconds / 60), 'minute')
  if (seconds > -86_400) return format.format(Math.round(seconds / 3600), 'hour')
  return format.format(-daysBetween(at, now), 'day')
}
