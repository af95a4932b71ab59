import { screen } from '@testing-library/vue'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { fakeServer, json, problem, unreachable } from '@/testing/fakeServer'
import { mount } from '@/testing/mount'
import ForgotPage from './ForgotPage.vue'

afterEach(() => vi.unstubAllGlobals())

function open(answer: () => Response, offered = true) {
  const server = fakeServer({ 'GET /resets': () => json({ offered }), 'POST /resets': answer })
  return { server, ...mount(ForgotPage) }
}

async function ask(answer: () => Response) {
  const opened = open(answer)
  await opened.user.type(await screen.findByRole('textbox', { name: 'Email' }), ' ann@example.org ')
  await opened.user.click(screen.getByRole('button', { name: 'Send the link' }))
  return opened
}

it('asks for a letter, and says the same whoever it is', async () => {
  const { server } = await ask(() => json({ lifetime_s: 1800 }))
  expect(await screen.findByRole('heading', { name: 'Look into your mailbox' })).toBeVisible()
  expect(screen.getByRole('status')).toHaveTextContent('If ann@example.org belongs to an account, a letter is on its way. Its link works once, for 30 minutes.')
  expect(server.asked[1]?.body).toEqual({ email: 'ann@example.org' })
  expect(screen.queryByRole('button')).toBeNull()
})

describe('says plainly', () => {
  it.each([
    ['how long to wait', () => problem(429, 'too_many', {}, { 'Retry-After': '870' }), 'Look into your mailbox, or try again in 15 minutes.'],
    ['that the server is away', unreachable, 'The server can’t be reached.'],
    ['that the server is busy', () => problem(503, 'busy'), 'The server is busy. Try again in a moment.'],
  ])('%s', async (_, answer, sentence) => {
    await ask(answer)
    expect(await screen.findByRole('alert')).toHaveTextContent(sentence)
    expect(screen.getByRole('textbox', { name: 'Email' })).toHaveValue('ann@example.org')
  })

  it('what is wrong with the address, and what is missing', async () => {
    const { user, server } = await ask(() => problem(400, 'invalid', { errors: { email: ['Not a valid email address.'] } }))
    expect(await screen.findByText('Not a valid email address.')).toBeVisible()
    await user.clear(screen.getByRole('textbox', { name: 'Email' }))
    await user.click(screen.getByRole('button', { name: 'Send the link' }))
    expect(screen.getByText('Fill this in.')).toBeVisible()
    expect(server.count('POST /resets')).toBe(1)
  })

  it('that this server sends no mail', async () => {
    open(() => problem(503, 'mail_missing'), false)
    expect(await screen.findByRole('status')).toHaveTextContent('This server sends no mail. Ask an admin to give you a new password.')
    expect(screen.queryByRole('textbox')).toBeNull()
    expect(screen.getByRole('link', { name: 'Back to sign in' })).toBeVisible()
  })
})
