import { screen, waitFor, within } from '@testing-library/vue'
import { afterEach, expect, it, vi } from 'vitest'
import { useSessionStore } from '@/stores/session'
import { useToastsStore } from '@/stores/toasts'
import { signedIn } from '@/testing/builders'
import { fakeServer, json, problem } from '@/testing/fakeServer'
import { mount } from '@/testing/mount'
import PasswordRow from './PasswordRow.vue'

afterEach(() => vi.unstubAllGlobals())

async function open(answer: () => Response) {
  const server = fakeServer({ 'PUT /session/password': answer })
  const view = mount(PasswordRow)
  await view.user.click(screen.getByRole('button', { name: 'Change your password' }))
  const dialog = within(screen.getByRole('dialog'))
  await view.user.type(dialog.getByLabelText('Current password'), 'the old one')
  await view.user.type(dialog.getByLabelText('New password'), 'a few new words')
  await view.user.click(dialog.getByRole('button', { name: 'Change password' }))
  return { server, dialog, ...view }
}

it('changes the password with the current one', async () => {
  const session = { ...signedIn().session, used_at: '2026-11-22T00:00:00Z' }
  const { server } = await open(() => json({ session, access_token: null }))
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  expect(server.asked[0]?.body).toEqual({ password: 'the old one', new_password: 'a few new words' })
  expect(useSessionStore().session).toEqual(session)
  expect(useToastsStore().toasts[0]?.text).toBe('Your password is changed. You were signed out everywhere else.')
})

it.each([
  ['the current one is wrong', () => problem(403, 'wrong_password'), 'Current password', 'wrong_password.'],
  [
    'the new one is too short',
    () => problem(400, 'invalid', { errors: { new_password: ['Shorter than minimum length 8.'] } }),
    'New password',
    'Shorter than minimum length 8.',
  ],
])('says it when %s', async (_, answer, field, sentence) => {
  const { dialog } = await open(answer)
  await waitFor(() => expect(dialog.getByLabelText(field)).toHaveAccessibleDescription(sentence))
})
