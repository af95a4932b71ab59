/**
 * JSON in sessionStorage or localStorage that never throws: a browser may forbid storage, fill it up, or hold what an
 * older version wrote. Losing it costs comfort only, so such an error ends here.
 */
export interface Shelf {
  read(key: string): unknown
  write(key: string, value: unknown): void
  remove(key: string): void
}

function shelf(open: () => Storage): Shelf {
  const named = (key: string) => `folkmoot.${key}`
  return {
    read(key) {
      try {
        const text = open().getItem(named(key))
        return text === null ? undefined : (JSON.parse(text) as unknown)
      } catch {
        return undefined
      }
    },
    write(key, value) {
      try {
        open().setItem(named(key), JSON.stringify(value))
      } catch {
        return
      }
    },
    remove(key) {
      try {
        open().removeItem(named(key))
      } catch {
        return
      }
    },
  }
}

/** Lives as long as the tab. */
export const tabShelf = shelf(() => window.sessionStorage)

/** Lives as long as the browser's profile. */
export const browserShelf = shelf(() => window.localStorage)
