/** How many hues an avatar may have; styles/avatar.css holds one rule for each. */
export const AVATAR_HUES = 10

/** One or two letters that stand for a name: the first of the first and of the last word. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean)
  const first = firstSign(words[0])
  const last = words.length > 1 ? firstSign(words[words.length - 1]) : ''
  return (first + last).toLocaleUpperCase() || '?'
}

/** The same person has the same hue on every screen; neighbours by id get hues far apart. */
export function hueOf(id: number): number {
  return (Math.abs(id) * 7) % AVATAR_HUES
}

/** A letter or digit, whole even when it is outside the basic plane. */
function firstSign(word: string | undefined): string {
  return Array.from(word ?? '').find((sign) => /[\p{L}\p{N}]/u.test(sign)) ?? ''
}
