import { screen, within } from '@testing-library/vue'
import { afterEach, expect, it, vi } from 'vitest'
import { NOON } from '@/testing/builders'
import { fakeServer, json } from '@/testing/fakeServer'
import { mount } from '@/testing/mount'
import AuditSection from './AuditSection.vue'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const disabled = {
  id: 9,
  at: new Date(NOON).toISOString(),
  action: 'accounts.disable',
  outcome: 'done',
  reason: null,
  times: 1,
  role: 'admin',
  actor_id: 1,
  actor_name: 'Root',
  session_id: 5,
  address: '192.0.2.7',
  user_agent: null,
  request_id: null,
  target_kind: 'account',
  target_id: 2,
  target_name: 'bob@example.org',
  details: { ended: 2 },
}
const refused = {
  ...disabled,
  id: 8,
  action: 'accounts.sign_in',
  outcome: 'refused',
  reason: 'wrong_credentials',
  times: 12,
  role: 'visitor',
  actor_id: null,
  actor_name: null,
  target_kind: null,
  target_name: null,
  details: {},
}
const ofAModule = { ...disabled, id: 7, action: 'shop.sell', target_kind: null, target_name: null }
const ROOT = { id: 1, email: 'root@example.org', name: 'Root', role: 'admin', created_at: disabled.at, disabled: false }

function open(entries: object[], more = false) {
  const server = fakeServer({ 'GET /audit': () => json({ entries, more }), 'GET /accounts': () => json({ accounts: [ROOT] }) })
  return { server, ...mount(AuditSection) }
}

function rowOf(text: string): HTMLElement {
  return screen.getByText(text).closest('li')!
}

it('says who did what to whom, from where, and what came of it', async () => {
  open([disabled, refused, ofAModule])
  const first = (await screen.findByText('to bob@example.org')).closest('li')!
  expect(within(first).getByText(/Disable an account/)).toHaveTextContent('Root · Disable an account')
  expect(within(first).getByText('Done')).toBeVisible()
  expect(within(first).getByText(/192\.0\.2\.7/)).toBeVisible()
  const second = rowOf('Refused: wrong email or password')
  expect(within(second).getByText(/Sign in/)).toHaveTextContent('Somebody who is not signed in · Sign in')
  expect(within(second).getByText('12 times')).toBeVisible()
  expect(screen.getByText(/shop\.sell/)).toBeVisible()
})

it.each([
  [{ target_kind: 'session', target_id: 14, target_name: null, details: { made_with: ['password', 'totp'] } }, 'Session number 14', 'with a password, a code from an app'],
  [{ target_kind: 'token', target_id: 3, target_name: 'Backup', details: { scopes: ['messages', 'rooms.mine'], days: 90 } }, 'Token Backup', 'for messages, rooms.mine · for 90 days'],
  [{ target_kind: 'account', target_id: 3, target_name: null, details: { ended: 1, role: 'admin' } }, 'to number 3', 'one session ended · as admin'],
  [{ target_kind: 'crate', target_id: 3, target_name: null, details: { weight_kg: 8, made_with: ['oak'] } }, 'crate number 3', 'weight_kg: 8 · with oak'],
])('says in words what it is about, and what is not known as it is: %#', async (about, whom, details) => {
  open([{ ...disabled, ...about }])
  const row = (await screen.findByText(whom)).closest('li')!
  expect(within(row).getByText(/192\.0\.2\.7/).parentElement).toHaveTextContent(`from 192.0.2.7 · ${details}`)
})

it('asks for what is wanted, and for earlier ones after the last', async () => {
  const { server, user } = open([disabled], true)
  await screen.findByText('to bob@example.org')
  await user.selectOptions(screen.getByLabelText('Who'), 'Root')
  await user.selectOptions(screen.getByLabelText('What'), 'Accounts and signing in')
  await user.selectOptions(screen.getByLabelText('Outcome'), 'Refused')
  server.on('GET /audit', () => json({ entries: [refused], more: false }))
  await user.click(screen.getByRole('button', { name: 'Show earlier ones' }))
  expect(await screen.findByText('Refused: wrong email or password')).toBeVisible()
  expect(screen.getByText('to bob@example.org')).toBeVisible()
  expect(screen.queryByRole('button', { name: 'Show earlier ones' })).toBeNull()
  expect(Object.fromEntries(server.asked.at(-1)!.query)).toEqual({ who: '1', what: 'accounts', outcome: 'refused', before: '9' })
})

it('takes days as the reader has them, and both belong to it', async () => {
  const { server, user } = open([])
  expect(await screen.findByText('Nothing like that has happened.')).toBeVisible()
  await user.type(screen.getByLabelText('From'), '2026-11-20')
  await user.type(screen.getByLabelText('Until'), '2026-11-21')
  await expect.poll(() => server.asked.at(-1)!.query.get('until')).toBe(new Date(2026, 10, 22).toISOString())
  expect(server.asked.at(-1)!.query.get('since')).toBe(new Date(2026, 10, 20).toISOString())
})

it('saves what is wanted as JSON lines', async () => {
  const saved: Blob[] = []
  vi.stubGlobal('URL', Object.assign(URL, { createObjectURL: (blob: Blob) => (saved.push(blob), 'blob:x'), revokeObjectURL: () => undefined }))
  const click = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined)
  const { server, user } = open([disabled])
  server.on('GET /audit/export', () => new Response(`${JSON.stringify(disabled)}\n`, { headers: { 'Content-Type': 'application/x-ndjson' } }))
  await user.click(await screen.findByRole('button', { name: 'Download' }))
  await expect.poll(() => click.mock.calls.length).toBe(1)
  expect(saved[0]!.type).toBe('application/x-ndjson')
  expect(server.count('GET /audit/export')).toBe(1)
})
