import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bjorn, signedIn } from '@/testing/builders'
import { fakeServer, json, problem, unreachable } from '@/testing/fakeServer'
import { useSessionStore } from './session'

beforeEach(() => setActivePinia(createPinia()))
afterEach(() => vi.unstubAllGlobals())

const here = () => json(signedIn())
const gone = () => problem(401, 'not_signed_in')

describe('at the start', () => {
  it('somebody is signed in, or nobody is', async () => {
    const server = fakeServer({ 'GET /session': here })
    const session = useSessionStore()
    await session.start()
    expect(session).toMatchObject({ status: 'signed-in', user: { name: 'Ann Sommers' } })
    server.on('GET /session', gone)
    setActivePinia(createPinia())
    await useSessionStore().start()
    expect(useSessionStore()).toMatchObject({ status: 'signed-out', wasEnded: false })
  })

  it.each([unreachable, () => problem(503, 'unavailable')])('no answer is asked for again until there is one', async (silence) => {
    vi.useFakeTimers()
    const server = fakeServer({ 'GET /session': silence })
    const session = useSessionStore()
    await session.start()
    expect(session.status).toBe('unreachable')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(session.status).toBe('unreachable')
    server.on('GET /session', here)
    await vi.advanceTimersByTimeAsync(15_000)
    expect(session.status).toBe('signed-in')
  })
})

describe('a session', () => {
  it('ends when the server says so, and the sign-in page tells', async () => {
    const server = fakeServer({ 'GET /session': here })
    const session = useSessionStore()
    await session.start()
    server.on('GET /session', gone)
    expect(await session.verify()).toBe(false)
    expect(session).toMatchObject({ status: 'signed-out', wasEnded: true, user: null })
  })

  it.each([unreachable, () => problem(500, 'internal')])('does not end because nobody answers', async (silence) => {
    const server = fakeServer({ 'GET /session': here })
    const session = useSessionStore()
    await session.start()
    server.on('GET /session', silence)
    expect(await session.verify()).toBe(true)
    expect(session.status).toBe('signed-in')
  })
})

describe('somebody else who answers', () => {
  it('is not us: ours is over, and the page has to start anew', async () => {
    const server = fakeServer({ 'GET /session': here })
    const session = useSessionStore()
    await session.start()
    server.on('GET /session', () => json(signedIn(bjorn)))
    expect(await session.verify()).toBe(false)
    expect(session).toMatchObject({ status: 'signed-out', user: null, takenOver: true })
  })

  it('after we signed out is no news', async () => {
    const server = fakeServer({ 'GET /session': here, 'DELETE /session': () => new Response(null, { status: 204 }) })
    const session = useSessionStore()
    await session.start()
    await session.signOut()
    server.on('GET /session', () => json(signedIn(bjorn)))
    expect(await session.identify()).toBe(false)
    expect(session).toMatchObject({ status: 'signed-out', wasEnded: false, takenOver: false })
  })

  it('is not silence, which tells nothing', async () => {
    const server = fakeServer({ 'GET /session': here })
    const session = useSessionStore()
    await session.start()
    expect(await session.identify()).toBe(true)
    server.on('GET /session', unreachable)
    expect(await session.identify()).toBeUndefined()
  })
})

describe('signing out', () => {
  it('is no end that needs telling', async () => {
    fakeServer({ 'GET /session': here, 'DELETE /session': () => new Response(null, { status: 204 }) })
    const session = useSessionStore()
    await session.start()
    await session.signOut()
    expect(session).toMatchObject({ status: 'signed-out', wasEnded: false })
  })

  it('that did not reach the server does not pretend', async () => {
    fakeServer({ 'GET /session': here, 'DELETE /session': unreachable })
    const session = useSessionStore()
    await session.start()
    await expect(session.signOut()).rejects.toMatchObject({ kind: 'unreachable' })
    expect(session.status).toBe('signed-in')
  })
})
