import { screen } from '@testing-library/vue'
import { afterEach, expect, it, vi } from 'vitest'
import { useSessionStore } from '@/stores/session'
import { signedIn } from '@/testing/builders'
import { fakeServer, json, problem, unreachable } from '@/testing/fakeServer'
import { mountAt } from '@/testing/mount'
import ResetPage from './ResetPage.vue'

afterEach(() => vi.unstubAllGlobals())

const done = () => new Response(null, { status: 204 })

async function open(state: string, answers: Parameters<typeof fakeServer>[0] = {}, path = '/reset#fmr_token') {
  const server = fakeServer({ 'POST /resets/look': () => json({ state }), 'POST /resets/choose': done, ...answers })
  return { server, ...(await mountAt(path, ResetPage)) }
}

async function choose(user: Awaited<ReturnType<typeof open>>['user']) {
  await user.type(await screen.findByLabelText('New password'), 'a few words')
  await user.click(screen.getByRole('button', { name: 'Change password' }))
}

it('takes the token out of the address at once, and changes the password with it', async () => {
  const { server, user, router } = await open('good')
  await expect.poll(() => router.currentRoute.value.fullPath).toBe('/reset')
  await choose(user)
  expect(await screen.findByRole('heading', { name: 'Your password is changed' })).toBeVisible()
  expect(server.asked.map(({ body }) => body)).toEqual([{ token: 'fmr_token' }, { token: 'fmr_token', password: 'a few words' }])
  expect(screen.getByRole('link', { name: 'Sign in' })).toHaveAttribute('href', '/login')
})

it('goes on with a newer link that is opened in the same tab', async () => {
  const { server, user, router } = await open('over')
  await screen.findByRole('alert')
  server.on('POST /resets/look', () => json({ state: 'good' }))
  await router.push('/reset#fmr_newer')
  await expect.poll(() => router.currentRoute.value.fullPath).toBe('/reset')
  await choose(user)
  expect(await screen.findByRole('heading', { name: 'Your password is changed' })).toBeVisible()
  expect(server.asked.at(-1)?.body).toEqual({ token: 'fmr_newer', password: 'a few words' })
})

it('ends the session of somebody who is signed in', async () => {
  const { user } = await open('good', { 'GET /session': () => problem(401, 'not_signed_in') })
  const session = useSessionStore()
  Object.assign(session, { status: 'signed-in', user: signedIn().user })
  await choose(user)
  await expect.poll(() => session.status).toBe('signed-out')
})

it.each([
  ['used', 'This link was used already.'],
  ['expired', 'This link is too old.'],
  ['over', 'This link does not work.'],
])('says that a link is %s, and leads to another', async (state, sentence) => {
  await open(state)
  expect(await screen.findByRole('alert')).toHaveTextContent(sentence)
  expect(screen.getByRole('link', { name: 'Send another link' })).toHaveAttribute('href', '/forgot')
  expect(screen.queryByLabelText('New password')).toBeNull()
})

it('asks nobody about an address without a token', async () => {
  const { server } = await open('good', {}, '/reset')
  expect(await screen.findByRole('alert')).toHaveTextContent('This link does not work.')
  expect(server.asked).toEqual([])
})

it('says it when the link was used meanwhile', async () => {
  const { server, user } = await open('good', { 'POST /resets/choose': () => problem(403, 'reset_over') })
  await screen.findByLabelText('New password')
  server.on('POST /resets/look', () => json({ state: 'used' }))
  await choose(user)
  expect(await screen.findByRole('alert')).toHaveTextContent('This link was used already.')
})

it('says what is wrong with the password, and keeps the form when the server is away', async () => {
  const errors = { password: ['Shorter than minimum length 8.'] }
  const { server, user } = await open('good', { 'POST /resets/choose': () => problem(400, 'invalid', { errors }) })
  await choose(user)
  expect(await screen.findByText('Shorter than minimum length 8.')).toBeVisible()
  server.on('POST /resets/choose', unreachable)
  await user.click(screen.getByRole('button', { name: 'Change password' }))
  expect(await screen.findByRole('alert')).toHaveTextContent('The server can’t be reached.')
  expect(screen.getByLabelText('New password')).toHaveValue('a few words')
})
