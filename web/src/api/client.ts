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

let confirm: () => Promise<boolean> = () => Promise.resolve(false)

/** The one who asks for a password or a code again, when the sign-in is too old for what was asked. True: it is fresh. */
export function whenToConfirm(ask: () => Promise<boolean>): void {
  confirm = ask
}

async function isToConfirm(response: Response): Promise<boolean> {
  if (response.status !== 403) return false
  const problem = (await response.clone().json().catch(() => null)) as { code?: string } | null
  return problem?.code === 'reauth_required'
}

/** fetch that, once somebody has confirmed that it is they, asks the same again. */
async function fetchConfirmed(request: Request): Promise<Response> {
  const again = request.clone()
  const response = await fetchInTime(request)
  return (await isToConfirm(response)) && (await confirm()) ? fetchInTime(again) : response
}

export const client = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: 'same-origin',
  // Another site's form cannot send this header: it is how the server knows that the page itself is asking.
  headers: { 'X-Requested-With': 'folkmoot' },
  fetch: fetchConfirmed,
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
