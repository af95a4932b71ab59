/** What the audit page asks for, and how what it finds is saved. */
import { server } from '@/api/server'

export const MODULES = ['accounts', 'resets', 'sessions', 'twofactor', 'tokens', 'bots', 'rooms', 'incoming', 'webhooks', 'jobs', 'audit'] as const

/** As many lines as the server gives at once. */
const LINES_AT_ONCE = 10_000

export interface Filter {
  who: string
  what: string
  outcome: string
  /** Days of the reader's calendar, as YYYY-MM-DD; both are within. */
  since: string
  until: string
}

type Wanted = NonNullable<Parameters<typeof server.audit>[0]>

/** The filter as the server takes it: what is not set is not asked for. */
export function wanted({ who, what, outcome, since, until }: Filter): Wanted {
  return {
    ...(who && { who: Number(who) }),
    ...(what && { what }),
    ...(outcome && { outcome: outcome as Wanted['outcome'] }),
    ...(since && { since: midnight(since).toISOString() }),
    ...(until && { until: midnight(until, 1).toISOString() }),
  }
}

/** All that is wanted, as JSON lines, the newest first. */
export async function exported(query: Wanted): Promise<string> {
  let lines = ''
  let before: number | undefined
  for (;;) {
    const page = await server.exportAudit({ ...query, before, limit: LINES_AT_ONCE })
    const found = page.split('\n').filter(Boolean)
    const last = found.at(-1)
    lines += page
    if (last === undefined || found.length < LINES_AT_ONCE) return lines
    before = (JSON.parse(last) as { id: number }).id
  }
}

/** Has the browser save it. */
export function download(lines: string): void {
  const file = URL.createObjectURL(new Blob([lines], { type: 'application/x-ndjson' }))
  const link = document.createElement('a')
  link.href = file
  link.download = `folkmoot-audit-${new Date().toISOString().slice(0, 10)}.jsonl`
  link.click()
  URL.revokeObjectURL(file)
}

/** When a day begins where the reader is, or the one that many days later. */
function midnight(day: string, later = 0): Date {
  const begins = new Date(`${day}T00:00`)
  begins.setDate(begins.getDate() + later)
  return begins
}
