/**
 * Why a request did not work, in the few kinds that the page tells apart.
 * "Could not reach the server" and "the server said no" are never mixed up: only the second changes what we know.
 */
export type FailureKind =
  | 'unreachable' // no answer at all
  | 'busy' // 5xx: the server is there and cannot now
  | 'too-many' // 429
  | 'signed-out' // 401
  | 'invalid' // 400 with messages by field
  | 'missing' // 404
  | 'refused' // any other refusal, final

export class Failure extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
    readonly options: { code?: string; fields?: Record<string, string[]>; retryAfterS?: number; challenge?: string } = {},
  ) {
    super(message)
    this.name = 'Failure'
  }

  get code(): string {
    return this.options.code ?? ''
  }

  get fields(): Record<string, string[]> {
    return this.options.fields ?? {}
  }

  /** How long the server asked us to wait; undefined when it did not say. */
  get retryAfterS(): number | undefined {
    return this.options.retryAfterS
  }

  /** With the code `second_factor_needed`: what is given back together with a code. */
  get challenge(): string {
    return this.options.challenge ?? ''
  }

  get temporary(): boolean {
    return this.kind === 'unreachable' || this.kind === 'busy' || this.kind === 'too-many'
  }
}

interface ProblemBody {
  title?: string
  detail?: string
  code?: string
  errors?: Record<string, string[]>
  challenge?: string
}

export function failureOf(response: Response, body: unknown): Failure {
  const problem: ProblemBody = typeof body === 'object' && body !== null ? body : {}
  return new Failure(kindOf(response.status, problem.code), problem.detail ?? problem.title ?? '', {
    code: problem.code,
    fields: problem.errors ?? fieldOf(problem),
    challenge: problem.challenge,
    retryAfterS: retryAfter(response.headers.get('Retry-After')),
  })
}

/** A password or a code that is wrong, said where it was typed. */
function fieldOf({ code, detail }: ProblemBody): Record<string, string[]> | undefined {
  if (code === 'wrong_code') return { code: [detail ?? ''] }
  if (code === 'wrong_password') return { password: [detail ?? ''] }
  return undefined
}

export function asFailure(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure('unreachable', '')
}

function kindOf(status: number, code?: string): FailureKind {
  if (status === 400 || status === 422) return 'invalid'
  if (status === 401) return 'signed-out'
  if (status === 404) return 'missing'
  if (status === 429) return 'too-many'
  // A gateway that cannot reach the server answers for it; for the reader that is the same as no answer. With a code
  // it is the server itself, which says so of a service behind it.
  if (status === 502 || status === 504) return code === undefined ? 'unreachable' : 'refused'
  if (code === 'key_missing') return 'refused' // waiting does not help: the operator has to do something
  return status >= 500 ? 'busy' : 'refused'
}

/** Seconds from now, whether the header holds seconds or a date. */
function retryAfter(header: string | null): number | undefined {
  if (header === null || header === '') return undefined
  const seconds = Number(header)
  if (Number.isFinite(seconds)) return Math.max(0, Math.ceil(seconds))
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000))
}
