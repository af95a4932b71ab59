import { nextTick } from 'vue'
import { afterEach, expect, it, vi } from 'vitest'
import { useSessionStore } from '@/stores/session'
import { bjorn, signedIn } from '@/testing/builders'
import { fakeServer, json, problem } from '@/testing/fakeServer'
import { mount } from '@/testing/mount'
import { useOneAccount } from './useOneAccount'

afterEach(() => vi.unstubAllGlobals())

async function page() {
  const server = fakeServer({ 'GET /session': () => json(signedIn()) })
  const reload = vi.fn()
  mount({ setup: () => useOneAccount(reload), template: '<p/>' })
  await useSessionStore().start()
  return { server, reload }
}

it('starts anew when the server knows the browser as somebody else', async () => {
  const { server, reload } = await page()
  server.on('GET /session', () => json(signedIn(bjorn)))
  await useSessionStore().verify()
  await nextTick()
  expect(reload).toHaveBeenCalledOnce()
})

it('stays when the session merely ended', async () => {
  const { server, reload } = await page()
  server.on('GET /session', () => problem(401, 'not_signed_in'))
  await useSessionStore().verify()
  await nextTick()
  expect(reload).not.toHaveBeenCalled()
})
