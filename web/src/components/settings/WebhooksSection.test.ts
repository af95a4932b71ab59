import { screen, within } from '@testing-library/vue'
import { afterEach, expect, it, vi } from 'vitest'
import { NOON, room } from '@/testing/builders'
import { fakeServer, json, problem } from '@/testing/fakeServer'
import { mount } from '@/testing/mount'
import WebhooksSection from './WebhooksSection.vue'

afterEach(() => vi.unstubAllGlobals())

const hook = {
  id: 3,
  room_id: 7,
  room: 'general',
  url: 'https://example.org/hook',
  state: 'active',
  delivered_seq: 4,
  head_seq: 4,
  created_at: new Date(NOON).toISOString(),
  delivered_at: null,
  failures: 0,
  failing_since: null,
  error: null,
}

function open(hooks: object[], more: Parameters<typeof fakeServer>[0] = {}) {
  const server = fakeServer({ 'GET /webhooks': () => json({ hooks }), 'GET /rooms': () => json({ rooms: [room()] }), ...more })
  return { server, ...mount(WebhooksSection) }
}

it('makes a webhook and shows its secret once', async () => {
  const { server, user } = open([], { 'POST /rooms/7/webhooks': () => json({ hook, secret: 'whsec_abc' }, 201) })
  expect(await screen.findByText('No room tells anybody.')).toBeVisible()
  await user.click(screen.getByRole('button', { name: 'New webhook' }))
  await user.selectOptions(screen.getByRole('combobox', { name: 'Room' }), await screen.findByRole('option', { name: 'general' }))
  await user.click(screen.getByRole('textbox', { name: 'Address' }))
  await user.paste(hook.url)
  server.on('GET /webhooks', () => json({ hooks: [hook] }))
  await user.click(screen.getByRole('button', { name: 'Add webhook' }))
  expect(await screen.findByDisplayValue('whsec_abc')).toBeVisible()
  await user.click(screen.getByRole('button', { name: 'Done' }))
  expect(await screen.findByText('https://example.org/hook')).toBeVisible()
})

it('says what is wrong with an address', async () => {
  const { user } = open([], {
    'POST /rooms/7/webhooks': () => problem(400, 'invalid', { errors: { url: ['localhost is in a network that webhooks may not reach.'] } }),
  })
  await user.click(await screen.findByRole('button', { name: 'New webhook' }))
  await user.selectOptions(screen.getByRole('combobox', { name: 'Room' }), await screen.findByRole('option', { name: 'general' }))
  await user.click(screen.getByRole('button', { name: 'Add webhook' }))
  expect(screen.getByText('Fill this in.')).toBeVisible()
  await user.click(screen.getByRole('textbox', { name: 'Address' }))
  await user.paste('https://localhost')
  await user.click(screen.getByRole('button', { name: 'Add webhook' }))
  expect(await screen.findByText(/may not reach/)).toBeVisible()
})

it('shows one that fails, with why, and tries again', async () => {
  const { server, user } = open([{ ...hook, state: 'failing', head_seq: 6, failures: 30, error: 'The answer was 500.' }], {
    'POST /webhooks/3/retry': () => new Response(null, { status: 204 }),
  })
  expect(await screen.findByText('The answer was 500.')).toBeVisible()
  expect(screen.getByText('given up')).toBeVisible()
  expect(screen.getByText(/2 events behind/)).toBeVisible()
  server.on('GET /webhooks', () => json({ hooks: [hook] }))
  await user.click(screen.getByRole('button', { name: 'Try general again' }))
  await expect.poll(() => screen.queryByText('The answer was 500.')).toBeNull()
})

it('gives another secret, and removes one', async () => {
  const { server, user } = open([hook], {
    'POST /webhooks/3/secret': () => json({ hook, secret: 'whsec_new' }),
    'DELETE /webhooks/3': () => new Response(null, { status: 204 }),
  })
  await user.click(await screen.findByRole('button', { name: 'New secret for general' }))
  expect(await screen.findByDisplayValue('whsec_new')).toBeVisible()
  await user.click(screen.getByRole('button', { name: 'Done' }))
  server.on('GET /webhooks', () => json({ hooks: [] }))
  await user.click(screen.getByRole('button', { name: 'Remove the webhook of general' }))
  expect(server.count('DELETE /webhooks/3')).toBe(0)
  await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Remove' }))
  expect(await screen.findByText('No room tells anybody.')).toBeVisible()
})
