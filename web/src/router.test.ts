import { describe, expect, it } from 'vitest'
import { reactive } from 'vue'
import { createMemoryHistory } from 'vue-router'
import { createAppRouter } from './router'

describe('router', () => {
  it('leads to where somebody was going who had to sign in first', async () => {
    const session = reactive({ status: 'signed-out' })
    const router = createAppRouter(session as never, createMemoryHistory())
    await router.push('/rooms/7')
    expect(router.currentRoute.value.name).toBe('login')
    session.status = 'signed-in'
    await expect.poll(() => router.currentRoute.value.fullPath).toBe('/rooms/7')
  })

  it.each([
    ['whose sign-in is not known yet', 'starting', false, '/rooms/7'],
    ['whose session ends', 'signed-in', true, '/rooms/7'],
    ['but not who signs out', 'signed-in', false, '/'],
  ])('also of somebody %s', async (_, status, wasEnded, goal) => {
    const session = reactive({ status, wasEnded: false })
    const router = createAppRouter(session as never, createMemoryHistory())
    await router.push('/rooms/7')
    Object.assign(session, { status: 'signed-out', wasEnded })
    await expect.poll(() => router.currentRoute.value.name).toBe('login')
    session.status = 'signed-in'
    await expect.poll(() => router.currentRoute.value.fullPath).toBe(goal)
  })
})
