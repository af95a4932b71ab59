/** The server takes no longer message; the count appears when the end is near. */
export const MESSAGE_LIMIT = 10_000
export const COUNT_FROM = 9_000

/** Characters as the server counts them: an emoji outside the basic plane is one. */
export function lengthOf(text: string): number {
  return text.length < COUNT_FROM ? text.length : Array.from(text).length
}
