import { afterEach, describe, expect, it, vi } from 'vitest'
import { fakeServer, json, problem, unreachable } from '@/testing/fakeServer'
import { signedIn } from '@/testing/builders'
import { whenSignedOut } from './client'
import { server } from './server'

afterEach(() => {
  vi.unstubAllGlobals()
  whenSignedOut(() => undefined)
})

it('says with every request that the page itself is asking', async () => {
  const { asked } = fakeServer({ 'POST /session': () => json(signedIn()) })
  await server.signIn('ann@example.org', 'secret')
  expect(asked[0]?.headers.get('X-Requested-With')).toBe('folkmoot')
  expect(asked[0]?.headers.get('Content-Type')).toBe('application/json')
  expect(asked[0]?.body).toEqual({ email: 'ann@example.org', password: 'secret' })
})

describe('a failure', () => {
  it.each([
    [401, 'signed-out'],
    [404, 'missing'],
    [409, 'refused'],
    [500, 'busy'],
    [503, 'busy'],
    [502, 'refused'],
    [504, 'refused'],
  ])('of status %i is %s', async (status, kind) => {
    fakeServer({ 'GET /people': () => problem(status, 'some_code') })
    await expect(server.people()).rejects.toMatchObject({ kind, code: 'some_code' })
  })

  it.each([502, 504])('of status %i is unreachable when a gateway says it, which has no codes', async (status) => {
    fakeServer({ 'GET /people': () => json({ error: 'Bad Gateway' }, status) })
    await expect(server.people()).rejects.toMatchObject({ kind: 'unreachable' })
  })

  it('holds the messages by field', async () => {
    fakeServer({ 'POST /rooms': () => problem(400, 'invalid', { errors: { name: ['Too long.'] } }) })
    await expect(server.createRoom({ name: 'x', topic: '', visibility: 'open' })).rejects.toMatchObject({
      kind: 'invalid',
      fields: { name: ['Too long.'] },
    })
  })

  it('says how long to wait', async () => {
    fakeServer({ 'POST /session': () => problem(429, 'too_many', {}, { 'Retry-After': '37' }) })
    await expect(server.signIn('a@b.c', 'x')).rejects.toMatchObject({ kind: 'too-many', retryAfterS: 37 })
  })

  it('is "unreachable" when nobody answers, or somebody in between with no JSON', async () => {
    fakeServer({ 'GET /people': unreachable, 'GET /rooms': () => new Response('<html>Welcome to the hotel', { status: 200 }) })
    await expect(server.people()).rejects.toMatchObject({ kind: 'unreachable' })
    await expect(server.rooms()).rejects.toMatchObject({ kind: 'unreachable' })
  })
})

describe('a session that ended', () => {
  it('is told when any answer says so', async () => {
    const told = vi.fn()
    whenSignedOut(told)
    fakeServer({ 'GET /rooms': () => problem(401, 'not_signed_in') })
    await expect(server.rooms()).rejects.toMatchObject({ kind: 'signed-out' })
    expect(told).toHaveBeenCalledOnce()
  })

  it('is not told by a wrong password', async () => {
    const told = vi.fn()
    whenSignedOut(told)
    fakeServer({ 'POST /session': () => problem(401, 'wrong_credentials') })
    await expect(server.signIn('a@b.c', 'x')).rejects.toMatchObject({ kind: 'signed-out' })
    expect(told).not.toHaveBeenCalled()
  })
})
