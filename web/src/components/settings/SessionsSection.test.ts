import { screen, within } from '@testing-library/vue'
import { afterEach, expect, it, vi } from 'vitest'
import { useToastsStore } from '@/stores/toasts'
import { signedIn } from '@/testing/builders'
import { fakeServer, json, problem } from '@/testing/fakeServer'
import { mount } from '@/testing/mount'
import SessionsSection from './SessionsSection.vue'

afterEach(() => vi.unstubAllGlobals())

const here = signedIn().session
const phone = {
  ...here,
  id: 2,
  current: false,
  address: '198.51.100.7',
  user_agent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19.0 Mobile/15E148 Safari/604.1',
}
const script = { ...here, id: 3, current: false, kind: 'program', user_agent: '<b>nonsense</b>' }
const gone = () => new Response(null, { status: 204 })

it('shows each with its device, address and last use, this one first and marked', async () => {
  fakeServer({ 'GET /sessions': () => json({ sessions: [phone, script, here] }) })
  mount(SessionsSection)
  const rows = (await screen.findAllByRole('listitem')).map((row) => row.textContent)
  expect(rows[0]).toContain('This session')
  expect(rows[1]).toMatch(/Safari on iPhone.*Last used.*from 198\.51\.100\.7/s)
  expect(rows[2]).toContain('A program')
  expect(screen.getAllByRole('button', { name: 'Sign out this session' })).toHaveLength(2)
})

it('ends one', async () => {
  const server = fakeServer({ 'GET /sessions': () => json({ sessions: [here, phone] }), 'DELETE /sessions/2': gone })
  const { user } = mount(SessionsSection)
  const button = await screen.findByRole('button', { name: 'Sign out this session' })
  server.on('GET /sessions', () => json({ sessions: [here] }))
  await user.click(button)
  await expect.poll(() => screen.queryByText('Safari on iPhone')).toBeNull()
  expect(server.count('DELETE /sessions/2')).toBe(1)
  expect(screen.queryByRole('button', { name: 'Sign out all others' })).toBeNull()
})

it('ends all others, after asking', async () => {
  const server = fakeServer({ 'GET /sessions': () => json({ sessions: [here, phone, script] }), 'DELETE /sessions': gone })
  const { user } = mount(SessionsSection)
  await user.click(await screen.findByRole('button', { name: 'Sign out all others' }))
  expect(server.count('DELETE /sessions')).toBe(0)
  server.on('GET /sessions', () => json({ sessions: [here] }))
  await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Sign out all others' }))
  await expect.poll(() => screen.getAllByRole('listitem')).toHaveLength(1)
  expect(server.count('DELETE /sessions')).toBe(1)
})

it('says it when one cannot be ended', async () => {
  fakeServer({ 'GET /sessions': () => json({ sessions: [here, phone] }), 'DELETE /sessions/2': () => problem(503, 'busy') })
  const { user } = mount(SessionsSection)
  await user.click(await screen.findByRole('button', { name: 'Sign out this session' }))
  expect(useToastsStore().toasts[0]?.text).toBe('The server is busy. Try again in a moment.')
})
