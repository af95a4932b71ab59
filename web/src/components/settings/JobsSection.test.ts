import { screen, within } from '@testing-library/vue'
import { afterEach, expect, it, vi } from 'vitest'
import { NOON } from '@/testing/builders'
import { fakeServer, json } from '@/testing/fakeServer'
import { mount } from '@/testing/mount'
import JobsSection from './JobsSection.vue'

afterEach(() => vi.unstubAllGlobals())

const at = new Date(NOON).toISOString()
const failed = {
  id: 7,
  name: 'webhooks.deliver',
  state: 'failed',
  attempts: 12,
  given: '{"hook_id": 3}',
  deferred_at: at,
  since: at,
  due_at: null,
  error: 'GiveUp: The answer was 500.',
}
const waiting = { ...failed, id: 8, name: 'shop.remind', state: 'waiting', attempts: 0, error: null }
const NONE = { jobs: [], more: false }

function open(counts: object, more: Parameters<typeof fakeServer>[0]) {
  const server = fakeServer({
    'GET /jobs': () => json({ waiting: 0, running: 0, failed: 0, oldest_waiting_s: 0, workers: 1, ...counts }),
    'GET /jobs/failed': () => json(NONE),
    'GET /jobs/unfinished': () => json(NONE),
    ...more,
  })
  return { server, ...mount(JobsSection) }
}

it('shows what failed with its error, and starts it afresh', async () => {
  const { server, user } = open({ failed: 1, waiting: 1 }, {
    'GET /jobs/failed': () => json({ jobs: [failed], more: false }),
    'GET /jobs/unfinished': () => json({ jobs: [waiting], more: false }),
    'POST /jobs/7/retry': () => new Response(null, { status: 204 }),
  })
  const row = (await screen.findByText('webhooks.deliver')).closest('li')!
  expect(within(row).getByText('GiveUp: The answer was 500.')).toBeVisible()
  expect(within(row).getByText(/12 attempts/)).toBeVisible()
  expect(screen.getByText('shop.remind')).toBeVisible()
  server.on('GET /jobs/failed', () => json(NONE))
  await user.click(screen.getByRole('button', { name: 'Retry job 7' }))
  await expect.poll(() => screen.queryByText('webhooks.deliver')).toBeNull()
  expect(server.count('POST /jobs/7/retry')).toBe(1)
})

it('starts all afresh, and discards one', async () => {
  const { server, user } = open({ failed: 1 }, {
    'GET /jobs/failed': () => json({ jobs: [failed], more: false }),
    'POST /jobs/retry': () => json({ retried: 1 }),
    'DELETE /jobs/7': () => new Response(null, { status: 204 }),
  })
  await user.click(await screen.findByRole('button', { name: 'Retry all' }))
  await expect.poll(() => server.count('POST /jobs/retry')).toBe(1)
  await user.click(screen.getByRole('button', { name: 'Discard job 7' }))
  await expect.poll(() => server.count('DELETE /jobs/7')).toBe(1)
})

it('says that all is done, and when nobody works', async () => {
  open({ workers: 0 }, {})
  expect(await screen.findByText('Everything is done.')).toBeVisible()
  expect(screen.getByRole('alert')).toHaveTextContent('No worker')
})
