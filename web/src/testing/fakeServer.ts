/** A server at the other end of fetch: answers by "METHOD /path", and remembers what it was asked. */
import { vi } from 'vitest'

export interface Asked {
  method: string
  path: string
  query: URLSearchParams
  headers: Headers
  body: unknown
}

type Answer = (asked: Asked) => Response | Promise<Response>

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } })
}

export function problem(status: number, code: string, more: object = {}, headers: Record<string, string> = {}): Response {
  const body = { type: 'about:blank', title: code, status, detail: `${code}.`, code, request_id: 'r', ...more }
  return json(body, status, { 'Content-Type': 'application/problem+json', ...headers })
}

/** As a browser says it when nobody answers. */
export function unreachable(): never {
  throw new TypeError('Failed to fetch')
}

export function fakeServer(answers: Record<string, Answer>) {
  const asked: Asked[] = []
  vi.stubGlobal('fetch', async (request: Request) => {
    const url = new URL(request.url)
    const text = await request.text()
    const path = url.pathname.replace('/api/v1.0', '')
    const one: Asked = {
      method: request.method,
      path,
      query: url.searchParams,
      headers: request.headers,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    }
    asked.push(one)
    const answer = answers[`${request.method} ${path}`]
    if (!answer) throw new Error(`nobody expected ${request.method} ${path}`)
    return answer(one)
  })
  return {
    asked,
    /** Changes what is answered from now on. */
    on: (what: string, answer: Answer) => (answers[what] = answer),
    count: (what: string) => asked.filter(({ method, path }) => `${method} ${path}` === what).length,
  }
}
