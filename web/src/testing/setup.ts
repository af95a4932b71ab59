import '@testing-library/jest-dom/vitest'
import { cleanup } from '@testing-library/vue'
import { afterEach, beforeEach, expect, vi } from 'vitest'

// What every browser has and jsdom has not.
window.matchMedia = (media: string) =>
  ({ media, matches: false, addEventListener: () => undefined, removeEventListener: () => undefined }) as unknown as MediaQueryList
window.scrollTo = () => undefined

// A warning is an error: Vue's of a wrong prop, i18n's of a sentence that is not there.
let warnings: unknown[][] = []
beforeEach(() => {
  warnings = []
  for (const level of ['warn', 'error'] as const) vi.spyOn(console, level).mockImplementation((...said) => void warnings.push(said))
})

afterEach(() => {
  cleanup()
  expect(warnings).toEqual([])
  sessionStorage.clear()
  localStorage.clear()
  vi.useRealTimers()
})
