import { describe, expect, it, vi } from 'vitest'
import { lengthOf } from './limits'
import { AVATAR_HUES, hueOf, initials } from './person'
import { tabShelf } from './storage'
import { dayName, daysBetween, relativeTime } from './time'
import { deviceOf } from './userAgent'
import { uuid } from './uuid'

describe('initials', () => {
  it.each([
    ['Ann Sommers', 'AS'],
    ['chidi', 'C'],
    ['Dr. Maria  van der Berg', 'DB'],
    ['王小明', '王'],
    ['ليلى حداد', 'لح'],
    ['  ', '?'],
    ['(Ops) Bot', 'OB'],
  ])('of %s are %s', (name, expected) => expect(initials(name)).toBe(expected))
})

it('gives neighbours by id different hues, and one person always the same', () => {
  const hues = Array.from({ length: AVATAR_HUES }, (_, id) => hueOf(id))
  expect(new Set(hues).size).toBe(AVATAR_HUES)
  expect(hueOf(42)).toBe(hueOf(42))
})

describe('dayName', () => {
  const now = new Date(2026, 10, 21, 0, 5)
  // Whether a comma follows the weekday depends on the age of the browser's tables.
  const named = (pattern: RegExp): unknown => expect.stringMatching(pattern)

  it('knows today and yesterday by the calendar, not by hours', () => {
    expect(dayName(new Date(2026, 10, 21, 0, 1), now, 'en')).toEqual({ kind: 'today' })
    expect(dayName(new Date(2026, 10, 20, 23, 59), now, 'en')).toEqual({ kind: 'yesterday' })
  })

  it('names the weekday and date, and the year only when it is another', () => {
    expect(dayName(new Date(2026, 10, 13), now, 'en-GB')).toEqual({ kind: 'date', text: named(/^Friday,? 13 November$/) })
    expect(dayName(new Date(2025, 0, 1), now, 'en-GB')).toEqual({ kind: 'date', text: named(/^Wednesday,? 1 January 2025$/) })
  })

  it('counts days whatever their length', () => {
    expect(daysBetween(new Date(2026, 2, 28), new Date(2026, 2, 30))).toBe(2)
  })
})

it('says how long ago', () => {
  const now = new Date(2026, 10, 21, 12)
  const ago = (minutes: number) => relativeTime(new Date(now.getTime() - minutes * 60_000), now, 'en')
  expect(ago(0)).toBe('this minute')
  expect(ago(3)).toBe('3 minutes ago')
  expect(ago(300)).toBe('5 hours ago')
  expect(ago(24 * 60)).toBe('yesterday')
})

describe('deviceOf', () => {
  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36', 'Chrome', 'Linux'],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36 Edg/131.0', 'Edge', 'Windows'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1', 'Safari', 'iPhone'],
    ['Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0', 'Firefox', 'Android'],
    ['python-httpx/0.28', 'Python', undefined],
  ])('of %s', (agent, program, system) => expect(deviceOf(agent)).toEqual({ program, system }))

  it('admits what it does not know', () => expect(deviceOf('')).toEqual({}))
})

describe('uuid', () => {
  const VERSION_4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

  it('is a version 4 UUID', () => expect(uuid()).toMatch(VERSION_4))

  it('is one too where the page did not come over https', () => {
    vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) })
    const made = new Set([uuid(), uuid(), uuid()])
    expect(made.size).toBe(3)
    for (const one of made) expect(one).toMatch(VERSION_4)
    vi.unstubAllGlobals()
  })
})

it('counts an emoji as one character near the limit', () => {
  expect(lengthOf('🎉'.repeat(5_000))).toBe(5_000)
})

it('reads nothing where the storage holds what is no JSON', () => {
  sessionStorage.setItem('folkmoot.broken', '{')
  expect(tabShelf.read('broken')).toBeUndefined()
})
