import { screen, within } from '@testing-library/vue'
import { afterEach, expect, it, vi } from 'vitest'
import { useRoomsStore } from '@/stores/rooms'
import { useSessionStore } from '@/stores/session'
import { NOON, room, signedIn } from '@/testing/builders'
import { fakeServer, json, problem } from '@/testing/fakeServer'
import { mount } from '@/testing/mount'
import SettingsView from './SettingsView.vue'

afterEach(() => vi.unstubAllGlobals())

const at = new Date(NOON).toISOString()
const backup = { id: 4, name: 'Backup', scopes: ['messages', 'rooms.mine'], created_at: at, used_at: null, expires_at: at }

function open(role: 'member' | 'admin', section: string, answers: Parameters<typeof fakeServer>[0]) {
  const server = fakeServer(answers)
  const view = mount(SettingsView, { section })
  useSessionStore().user = { ...signedIn().user, role }
  return { server, ...view }
}

it('shows a member their tokens, and nothing of admins', async () => {
  open('member', 'tokens', { 'GET /tokens': () => json({ tokens: [backup] }) })
  const row = (await screen.findByText('Backup')).closest('li')!
  expect(within(row).getByText('rooms.mine')).toBeVisible()
  expect(within(row).getByText(/Never used/)).toBeVisible()
  expect(screen.queryByRole('link', { name: 'Bots' })).toBeNull()
})

it('leads a member who asks for the bots to what is theirs', async () => {
  open('member', 'bots', { 'GET /tokens': () => json({ tokens: [] }) })
  expect(await screen.findByText('You have made no token.')).toBeVisible()
})

it('keeps the tab of what is shown in view when the window gets narrow', async () => {
  open('member', 'sessions', { 'GET /sessions': () => json({ sessions: [] }) })
  const tabs = screen.getByRole('navigation', { name: 'Settings' })
  Object.defineProperty(tabs, 'clientWidth', { value: 360 })
  const current = await within(tabs).findByRole('link', { current: 'page' })
  for (const [name, value] of [['offsetLeft', 900], ['offsetWidth', 100]] as const) Object.defineProperty(current, name, { value })
  window.dispatchEvent(new Event('resize'))
  await vi.waitFor(() => expect(tabs.scrollLeft).toBe(770))
})

it('makes a token and shows it once', async () => {
  const { server, user } = open('member', 'tokens', {
    'GET /tokens': () => json({ tokens: [] }),
    'POST /tokens': () => json({ token: 'fmt_secret', about: backup }, 201),
  })
  await user.click(await screen.findByRole('button', { name: 'New token' }))
  await user.type(screen.getByRole('textbox', { name: 'What is it for?' }), ' Backup ')
  await user.type(screen.getByRole('textbox', { name: 'Scopes' }), 'messages, rooms.mine')
  server.on('GET /tokens', () => json({ tokens: [backup] }))
  await user.click(screen.getByRole('button', { name: 'Make token' }))
  expect(await screen.findByDisplayValue('fmt_secret')).toBeVisible()
  expect(server.asked.find(({ method }) => method === 'POST')?.body).toEqual({
    name: 'Backup',
    scopes: ['messages', 'rooms.mine'],
    days: 90,
  })
  await user.click(screen.getByRole('button', { name: 'Done' }))
  expect(screen.queryByDisplayValue('fmt_secret')).toBeNull()
  expect(await screen.findByText('Backup')).toBeVisible()
})

it('says which field of a token is wrong, and keeps what was typed', async () => {
  const { user } = open('member', 'tokens', {
    'GET /tokens': () => json({ tokens: [] }),
    'POST /tokens': () => problem(400, 'invalid', { errors: { 'scopes.0': ['There is no module or action x.'] } }),
  })
  await user.click(await screen.findByRole('button', { name: 'New token' }))
  await user.click(screen.getByRole('button', { name: 'Make token' }))
  expect(screen.getAllByText('Fill this in.')).toHaveLength(2)
  await user.type(screen.getByRole('textbox', { name: 'What is it for?' }), 'Backup')
  await user.type(screen.getByRole('textbox', { name: 'Scopes' }), 'x')
  await user.click(screen.getByRole('button', { name: 'Make token' }))
  expect(await screen.findByText('There is no module or action x.')).toBeVisible()
  expect(screen.getByRole('textbox', { name: 'Scopes' })).toHaveValue('x')
})

it('ends a token', async () => {
  const { server, user } = open('member', 'tokens', {
    'GET /tokens': () => json({ tokens: [backup] }),
    'DELETE /tokens/4': () => new Response(null, { status: 204 }),
  })
  await screen.findByText('Backup')
  server.on('GET /tokens', () => json({ tokens: [] }))
  await user.click(screen.getByRole('button', { name: 'End the token Backup' }))
  expect(server.count('DELETE /tokens/4')).toBe(0)
  await user.click(within(screen.getByRole('dialog', { name: 'End Backup?' })).getByRole('button', { name: 'End' }))
  expect(await screen.findByText('You have made no token.')).toBeVisible()
})

it('lets an admin add a bot and disable it', async () => {
  const clerk = { id: 9, name: 'Clerk', created_at: at, disabled: false }
  const { server, user } = open('admin', 'bots', {
    'GET /bots': () => json({ bots: [] }),
    'POST /bots': () => json(clerk, 201),
    'POST /accounts/9/disable': () => new Response(null, { status: 204 }),
  })
  expect(await screen.findByText('There are no bots yet.')).toBeVisible()
  await user.click(screen.getByRole('button', { name: 'New bot' }))
  await user.type(screen.getByRole('textbox', { name: 'Name' }), 'Clerk')
  server.on('GET /bots', () => json({ bots: [clerk] }))
  await user.click(screen.getByRole('button', { name: 'Add bot' }))
  await screen.findByText('Clerk')
  server.on('GET /bots', () => json({ bots: [{ ...clerk, disabled: true }] }))
  await user.click(screen.getByRole('button', { name: 'Disable' }))
  expect(await screen.findByText('disabled')).toBeVisible()
  expect(screen.getByRole('button', { name: 'Enable' })).toBeVisible()
})

it('lets an admin make an incoming hook, shows its address once, and removes it', async () => {
  const hook = {
    id: 3, room_id: 7, room: 'general', bot: { id: 9, name: 'Grafana' }, made_by: { id: 1, name: 'Ann Sommers' },
    made_at: at, used_at: null,
  }
  const { server, user } = open('admin', 'hooks', {
    'GET /incoming-hooks': () => json({ hooks: [] }),
    'POST /incoming-hooks': () => json({ hook, address: 'https://chat.example.org/api/v1.0/hooks/fmh_x' }, 201),
    'DELETE /incoming-hooks/3': () => new Response(null, { status: 204 }),
  })
  expect(await screen.findByText('There are no incoming hooks yet.')).toBeVisible()
  await user.click(screen.getByRole('button', { name: 'New incoming hook' }))
  useRoomsStore().put(room()) // which may come later than a quick click
  expect(await screen.findByRole('combobox', { name: 'Room' })).toHaveDisplayValue('general')
  await user.click(screen.getByRole('button', { name: 'Make hook' }))
  expect(screen.getByText('Fill this in.')).toBeVisible()
  await user.type(screen.getByRole('textbox', { name: 'Name' }), 'Grafana')
  server.on('GET /incoming-hooks', () => json({ hooks: [hook] }))
  await user.click(screen.getByRole('button', { name: 'Make hook' }))
  expect(await screen.findByDisplayValue(/fmh_x$/)).toBeVisible()
  expect(screen.getByText(/^curl .*fmh_x'$/)).toBeVisible()
  expect(server.asked.find(({ method }) => method === 'POST')?.body).toEqual({ room_id: 7, name: 'Grafana' })
  await user.click(screen.getByRole('button', { name: 'Done' }))
  expect(screen.queryByText(/fmh_x/)).toBeNull()
  expect(await screen.findByText('Posts into general')).toBeVisible()
  await user.click(screen.getByRole('button', { name: 'Remove the hook Grafana' }))
  server.on('GET /incoming-hooks', () => json({ hooks: [] }))
  await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Remove' }))
  expect(await screen.findByText('There are no incoming hooks yet.')).toBeVisible()
  expect(server.count('DELETE /incoming-hooks/3')).toBe(1)
})
