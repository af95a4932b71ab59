/** What is a slash command, and what only begins with a slash. The same rule as the server's. */
const COMMAND = /^\/([a-z][a-z0-9_-]{0,31})(?=\s|$)/i
const BEGUN = /^\/([a-z][a-z0-9_-]{0,31})?$/i

/** The name of the command that a text is, in small letters; undefined for a message. */
export function commandIn(text: string): string | undefined {
  return COMMAND.exec(text.trim())?.[1]?.toLowerCase()
}

/** As much of a name as is typed, while nothing follows it; undefined for any other text. */
export function begunIn(text: string): string | undefined {
  const found = BEGUN.exec(text)
  return found ? (found[1] ?? '').toLowerCase() : undefined
}

/** Two slashes begin a message with one. */
export function unescaped(body: string): string {
  return body.startsWith('//') ? body.slice(1) : body
}
