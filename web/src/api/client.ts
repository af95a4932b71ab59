import createClient from 'openapi-fetch'
import { Failure, failureOf } from './failure'
import type { paths } from './schema'

const REQUEST_TIMEOUT_MS = 15_000

/** fetch that gives up in time, so that a half-open connection is "unreachable" and not an endless wait. */
async function fetchInTime(request: Request): Promise<Response> {
  const giveUp = new AbortController()
  const timer = setTimeout(() => giveUp.abort(), REQUEST_TIMEOUT_MS)
  try {
    return await fetch(request, { signal: giveUp.signal })
  } catch {
    throw new Failure('unreachable', '')
  } finally {
    clearTimeout(timer)
  }
}

export const client = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: 'same-origin',
  // Another site's form cannot send this header: it is how the server knows that the page itself is asking.
  headers: { 'X-Requested-With': 'folkmoot' },
  fetch: fetchInTime,
})

interface Outcome<T> {
  data?: T
  error?: unknown
  response: Response
}

let onSignedOut: () => void = () => undefined

/** The one listener that hears of every answer "you are not signed in". */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener
}

/** The data of an answer, or a Failure thrown. */
export async function answer<T>(outcome: Promise<Outcome<T>>, { quiet = false } = {}): Promise<T> {
  const { data, error, response } = await outcome.catch(rethrowAsFailure)
  if (response.ok) return data as T
  const failure = failureOf(response, error)
  if (failure.kind === 'signed-out' && !quiet) onSignedOut()
  throw failure
}

/** An answer that is no JSON came from something between us and the server: the server itself was not reached. */
function rethrowAsFailure(error: unknown): never {
  throw error instanceof Failure ? error : new Failure('unreachable', '')
}
