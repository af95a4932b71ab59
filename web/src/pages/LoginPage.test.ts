import userEvent from '@testing-library/user-event'
import { screen } from '@testing-library/vue'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { useSessionStore } from '@/stores/session'
import { signedIn } from '@/testing/builders'
import { fakeServer, json, problem, unreachable } from '@/testing/fakeServer'
import { mount } from '@/testing/mount'
import LoginPage from './LoginPage.vue'

afterEach(() => vi.unstubAllGlobals())

async function signIn(answer: () => Response) {
  const server = fakeServer({ 'POST /session': answer })
  const { user } = mount(LoginPage)
  await user.type(screen.getByRole('textbox', { name: 'Email' }), ' ann@example.org ')
  await user.type(screen.getByLabelText('Password'), 'secret')
  await user.click(screen.getByRole('button', { name: 'Sign in' }))
  await screen.findByRole('button', { name: /^(Sign in|Continue)$/ })
  return server
}

it('is empty at first and tells the browser what belongs where', () => {
  mount(LoginPage)
  expect(screen.getByRole('textbox', { name: 'Email' })).toHaveValue('')
  expect(screen.getByRole('textbox', { name: 'Email' })).toHaveAttribute('autocomplete', 'username')
  expect(screen.getByLabelText('Password')).toHaveAttribute('autocomplete', 'current-password')
})

it('signs in', async () => {
  const server = await signIn(() => json(signedIn()))
  expect(server.asked[0]?.body).toEqual({ email: 'ann@example.org', password: 'secret' })
  expect(useSessionStore().status).toBe('signed-in')
})

describe('says plainly', () => {
  it.each([
    ['a wrong password', () => problem(401, 'wrong_credentials'), 'Wrong email or password.'],
    ['how long to wait', () => problem(429, 'too_many', {}, { 'Retry-After': '37' }), 'Too many attempts. Try again in 37 seconds.'],
    ['a long wait', () => problem(429, 'too_many', {}, { 'Retry-After': '300' }), 'Too many attempts. Try again in 5 minutes.'],
    ['an unknown wait', () => problem(429, 'too_many'), 'Too many attempts. Try again a little later.'],
    ['that the server is away', unreachable, 'The server can’t be reached. Check your connection and try again.'],
    ['that the server is busy', () => problem(503, 'busy'), 'The server is busy right now. Try again in a moment.'],
  ])('%s', async (_, answer, sentence) => {
    await signIn(answer)
    expect(await screen.findByRole('alert')).toHaveTextContent(sentence)
    expect(screen.getByRole('textbox', { name: 'Email' })).toHaveValue('ann@example.org')
    expect(useSessionStore().status).not.toBe('signed-in')
  })

  it('which fields are wrong', async () => {
    const errors = { email: ['Not a valid email address.'], password: ['Shorter than minimum length 4.'] }
    await signIn(() => problem(400, 'invalid', { errors }))
    expect(await screen.findByText('Not a valid email address.')).toBeVisible()
    expect(screen.getByRole('textbox', { name: 'Email' })).toBeInvalid()
    expect(screen.getByLabelText('Password')).toHaveAccessibleDescription('Shorter than minimum length 4.')
  })

  it('what is missing, without asking the server', async () => {
    const server = fakeServer({})
    const { user } = mount(LoginPage)
    await user.click(screen.getByRole('button', { name: 'Sign in' }))
    expect(screen.getAllByText('Fill this in.')).toHaveLength(2)
    expect(server.asked).toEqual([])
  })
})

describe('the second step', () => {
  const asked = () => problem(401, 'second_factor_needed', { challenge: 'a challenge', expires_in_s: 300 })

  it('asks for a code, and signs in with it', async () => {
    const server = await signIn(asked)
    const code = await screen.findByRole('textbox', { name: 'Code' })
    expect(screen.getByRole('heading', { name: 'Enter your code' })).toBeVisible()
    expect(code).toHaveFocus()
    expect(code).toHaveAttribute('autocomplete', 'one-time-code')
    expect(screen.queryByRole('alert')).toBeNull()
    server.on('POST /session/code', () => problem(403, 'wrong_code'))
    await userEvent.type(code, '000000{Enter}')
    await vi.waitFor(() => expect(code).toHaveAccessibleDescription('wrong_code.'))
    expect(code).toHaveValue('')
    server.on('POST /session/code', () => json(signedIn()))
    await userEvent.type(code, ' 123456{Enter}')
    await vi.waitFor(() => expect(useSessionStore().status).toBe('signed-in'))
    expect(server.asked.at(-1)?.body).toEqual({ challenge: 'a challenge', code: '123456' })
  })

  it('takes a recovery code too', async () => {
    const server = await signIn(asked)
    await userEvent.click(await screen.findByRole('button', { name: 'Use a recovery code' }))
    server.on('POST /session/code', () => json(signedIn()))
    const code = screen.getByRole('textbox', { name: 'Recovery code' })
    expect(code).toHaveAttribute('inputmode', 'text')
    await userEvent.type(code, 'abcd-efgh{Enter}')
    await vi.waitFor(() => expect(useSessionStore().status).toBe('signed-in'))
    expect(server.asked.at(-1)?.body).toEqual({ challenge: 'a challenge', code: 'abcd-efgh' })
  })

  it.each([
    ['took too long', () => problem(401, 'challenge_over'), 'That took too long, or too many tries. Begin again with your password.'],
    ['was tried too often', () => problem(429, 'too_many', {}, { 'Retry-After': '300' }), 'Too many attempts. Try again in 5 minutes.'],
  ])('begins again with the password when it %s', async (_, over, sentence) => {
    const server = await signIn(asked)
    server.on('POST /session/code', over)
    await userEvent.type(await screen.findByRole('textbox', { name: 'Code' }), '123456{Enter}')
    expect(await screen.findByRole('alert')).toHaveTextContent(sentence)
    expect(screen.getByLabelText('Password')).toHaveValue('')
    expect(screen.getByRole('textbox', { name: 'Email' })).toHaveValue('ann@example.org')
  })

  it('can be left', async () => {
    await signIn(asked)
    await userEvent.click(await screen.findByRole('button', { name: 'Back' }))
    expect(screen.getByRole('button', { name: 'Sign in' })).toBeVisible()
  })
})
