import { screen, waitFor, within } from '@testing-library/vue'
import { afterEach, expect, it, vi } from 'vitest'
import { whenToConfirm } from '@/api/client'
import { server } from '@/api/server'
import { useConfirmingStore } from '@/stores/confirming'
import { useSessionStore } from '@/stores/session'
import { signedIn } from '@/testing/builders'
import { fakeServer, json, problem } from '@/testing/fakeServer'
import { mount } from '@/testing/mount'
import ConfirmItIsYou from './ConfirmItIsYou.vue'

afterEach(() => {
  vi.unstubAllGlobals()
  whenToConfirm(() => Promise.resolve(false))
})

const session = signedIn().session
const token = { name: 'Backup', scopes: ['rooms'], days: 1 }

function open(answers: Parameters<typeof fakeServer>[0], made_with = session.made_with) {
  const fake = fakeServer(answers)
  const view = mount(ConfirmItIsYou)
  whenToConfirm(() => useConfirmingStore().ask())
  useSessionStore().session = { ...session, made_with }
  return { fake, ...view }
}

it('asks for the password, and then does what was asked for', async () => {
  const { fake, user } = open({
    'POST /tokens': () => problem(403, 'reauth_required'),
    'POST /session/confirm': () => problem(403, 'wrong_password'),
  })
  const issued = server.issueToken(token)
  const dialog = within(await screen.findByRole('dialog', { name: 'Is it still you?' }))
  expect(dialog.queryByRole('button', { name: 'Use a code' }), 'who has none').toBeNull()
  await user.type(dialog.getByLabelText('Password'), 'wrong{Enter}')
  await waitFor(() => expect(dialog.getByLabelText('Password')).toHaveAccessibleDescription('wrong_password.'))
  fake.on('POST /session/confirm', () => json({ session, access_token: null }))
  fake.on('POST /tokens', () => json({ token: 'fmt_x', about: {} }, 201))
  await user.clear(dialog.getByLabelText('Password'))
  await user.type(dialog.getByLabelText('Password'), 'secret{Enter}')
  expect(await issued).toMatchObject({ token: 'fmt_x' })
  expect(fake.asked.filter(({ path }) => path === '/tokens').map(({ body }) => body)).toEqual([token, token])
  expect(fake.asked[2]?.body).toEqual({ password: 'secret', code: null })
  expect(screen.queryByRole('dialog')).toBeNull()
})

it('asks for a code where somebody signed in with one, and takes the password as well', async () => {
  const { fake, user } = open(
    { 'POST /tokens': () => problem(403, 'reauth_required'), 'POST /session/confirm': () => json({ session, access_token: null }) },
    ['password', 'totp'],
  )
  const issued = server.issueToken(token)
  const dialog = within(await screen.findByRole('dialog'))
  expect(dialog.getByRole('textbox', { name: 'Code of your app, or a recovery code' })).toBeVisible()
  await user.click(dialog.getByRole('button', { name: 'Use password' }))
  expect(dialog.getByLabelText('Password')).toBeVisible()
  await user.click(dialog.getByRole('button', { name: 'Use a code' }))
  fake.on('POST /tokens', () => json({ token: 'fmt_x', about: {} }, 201))
  await user.type(dialog.getByRole('textbox'), '123456{Enter}')
  await issued
  expect(fake.asked[1]?.body).toEqual({ password: null, code: '123456' })
})

it('leaves it when somebody does not want to', async () => {
  const { fake, user } = open({ 'POST /tokens': () => problem(403, 'reauth_required') })
  const issued = server.issueToken(token)
  const refused = expect(issued).rejects.toMatchObject({ kind: 'refused', code: 'reauth_required' })
  await user.click(await screen.findByRole('button', { name: 'Cancel' }))
  await refused
  expect(fake.count('POST /tokens')).toBe(1)
})

it('asks once for all that waits', async () => {
  const { fake, user } = open({ 'POST /tokens': () => problem(403, 'reauth_required') })
  const both = Promise.allSettled([server.issueToken(token), server.issueToken(token)])
  await waitFor(() => expect(fake.count('POST /tokens')).toBe(2))
  await user.click(await screen.findByRole('button', { name: 'Cancel' }))
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
})
