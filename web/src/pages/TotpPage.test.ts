import { screen } from '@testing-library/vue'
import { afterEach, expect, it, vi } from 'vitest'
import { useToastsStore } from '@/stores/toasts'
import { fakeServer, json, unreachable } from '@/testing/fakeServer'
import { mount } from '@/testing/mount'
import TotpPage from './TotpPage.vue'

afterEach(() => vi.unstubAllGlobals())

it('is titled, and waits for a code', async () => {
  const { user } = mount(TotpPage)
  expect(screen.getByRole('heading', { name: 'TOTP Validation' })).toBeVisible()
  expect(document.title).toBe('TOTP Validation · Folkmoot')
  const button = screen.getByRole('button', { name: 'Validate' })
  expect(button).toBeDisabled()
  await user.type(screen.getByRole('textbox', { name: 'Code' }), '1')
  expect(button).toBeEnabled()
  await user.clear(screen.getByRole('textbox', { name: 'Code' }))
  await user.type(screen.getByRole('textbox', { name: 'Code' }), '  ')
  expect(button).toBeDisabled()
})

it.each([
  [true, 'OK'],
  [false, 'Not valid code'],
])('says for two seconds whether a code is right: %s', async (status, words) => {
  const server = fakeServer({ 'GET /totp/check/123456': () => json({ status }) })
  const { user } = mount(TotpPage)
  await user.type(screen.getByRole('textbox', { name: 'Code' }), '123456{Enter}')
  await vi.waitFor(() => expect(useToastsStore().toasts).toMatchObject([{ text: words, shownMs: 2_000 }]))
  expect(server.asked).toHaveLength(1)
  expect(screen.getByRole('textbox', { name: 'Code' })).toHaveValue('')
})

it('keeps the code when nobody answers', async () => {
  fakeServer({ 'GET /totp/check/123456': unreachable })
  const { user } = mount(TotpPage)
  await user.type(screen.getByRole('textbox', { name: 'Code' }), '123456{Enter}')
  await vi.waitFor(() => expect(useToastsStore().toasts[0]?.text).toBe('The server can’t be reached.'))
  expect(screen.getByRole('textbox', { name: 'Code' })).toHaveValue('123456')
})
