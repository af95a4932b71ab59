import { screen, waitFor, within } from '@testing-library/vue'
import { afterEach, expect, it, vi } from 'vitest'
import { useSessionStore } from '@/stores/session'
import { useToastsStore } from '@/stores/toasts'
import { NOON, signedIn } from '@/testing/builders'
import { fakeServer, json, problem } from '@/testing/fakeServer'
import { mount } from '@/testing/mount'
import SecuritySection from './SecuritySection.vue'

afterEach(() => vi.unstubAllGlobals())

const off = { on: false, since: null, recovery_codes_left: 0, required: false, possible: true }
const on = { ...off, on: true, since: new Date(NOON).toISOString(), recovery_codes_left: 10 }
const enrolment = { secret: 'ABCDEFGHIJKL', address: 'otpauth://totp/x', picture: 'data:image/svg+xml,%3Csvg/%3E' }
const codes = ['aaaa-bbbb', 'cccc-dddd']
const turnedOn = { recovery_codes: codes, session: signedIn().session, access_token: null }

function open(answers: Parameters<typeof fakeServer>[0]) {
  const server = fakeServer(answers)
  const view = mount(SecuritySection)
  useSessionStore().user = signedIn().user
  return { server, ...view }
}

it('turns it on: a picture, the secret in letters, a code, and the recovery codes once', async () => {
  const { server, user } = open({
    'GET /second-factor': () => json(off),
    'POST /second-factor': () => json(enrolment, 201),
    'POST /second-factor/confirm': () => problem(403, 'wrong_code'),
  })
  await user.click(await screen.findByRole('button', { name: 'Turn on' }))
  const dialog = within(screen.getByRole('dialog', { name: 'Turn on two-step sign-in' }))
  expect(await dialog.findByRole('img', { name: 'QR code for your authenticator app' })).toHaveAttribute('src', enrolment.picture)
  expect(dialog.getByText('ABCD EFGH IJKL')).toBeVisible()
  await user.click(dialog.getByRole('button', { name: 'Turn on' }))
  expect(dialog.getByText('Fill this in.')).toBeVisible()

  const code = dialog.getByRole('textbox', { name: 'Code that the app shows' })
  expect(code).toHaveAttribute('autocomplete', 'one-time-code')
  await user.type(code, '000000{Enter}')
  await waitFor(() => expect(code).toHaveAccessibleDescription('wrong_code.'))
  expect(code).toHaveValue('')
  server.on('POST /second-factor/confirm', () => json(turnedOn))
  server.on('GET /second-factor', () => json(on))
  await user.type(code, ' 123456{Enter}')
  expect(server.asked.filter(({ path }) => path.endsWith('confirm'))[1]?.body).toEqual({ code: '123456' })

  const shown = within(await screen.findByRole('dialog', { name: 'Recovery codes' }))
  expect(shown.getAllByRole('listitem').map((item) => item.textContent)).toEqual(codes)
  await user.click(shown.getByRole('button', { name: 'I have kept them' }))
  expect(screen.queryByText('aaaa-bbbb')).toBeNull()
  expect(await screen.findByText('10 left')).toBeVisible()
  expect(server.count('POST /second-factor')).toBe(1)
})

it('copies the recovery codes, and puts them into a file', async () => {
  const { user } = open({
    'GET /second-factor': () => json({ ...on, recovery_codes_left: 2 }),
    'POST /second-factor/recovery-codes': () => json({ recovery_codes: codes }),
  })
  expect(await screen.findByText(/2 left.*Make new ones before they run out/)).toBeVisible()
  await user.click(screen.getByRole('button', { name: 'New codes' }))
  await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'New codes' }))
  const shown = within(await screen.findByRole('dialog', { name: 'Recovery codes' }))
  await user.click(shown.getByRole('button', { name: 'Copy all' }))
  expect(await navigator.clipboard.readText()).toBe('aaaa-bbbb\ncccc-dddd')
  expect(shown.getByRole('button', { name: 'Copied' })).toBeVisible()

  let kept: Blob | undefined
  URL.createObjectURL = (file) => ((kept = file as Blob), 'blob:codes')
  URL.revokeObjectURL = () => undefined
  const clicked = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined)
  await user.click(shown.getByRole('button', { name: 'Download' }))
  expect(clicked).toHaveBeenCalledOnce()
  const text = await new Promise<string>((resolve) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result))
    reader.readAsText(kept!)
  })
  expect(text).toBe('Recovery codes for ann@example.org on localhost:3000. Each counts once.\n\naaaa-bbbb\ncccc-dddd\n')
})

it('turns it off with the password and a code, and says which of them is wrong', async () => {
  const { server, user } = open({
    'GET /second-factor': () => json(on),
    'POST /second-factor/off': () => problem(403, 'wrong_password'),
  })
  await user.click(await screen.findByRole('button', { name: 'Turn off' }))
  const dialog = within(screen.getByRole('dialog', { name: 'Turn off two-step sign-in?' }))
  await user.type(dialog.getByLabelText('Password'), 'secret')
  await user.type(dialog.getByRole('textbox', { name: 'Code of your app, or a recovery code' }), '123456')
  await user.click(dialog.getByRole('button', { name: 'Turn off' }))
  await waitFor(() => expect(dialog.getByLabelText('Password')).toHaveAccessibleDescription('wrong_password.'))
  server.on('POST /second-factor/off', () => new Response(null, { status: 204 }))
  server.on('GET /second-factor', () => json(off))
  await user.click(dialog.getByRole('button', { name: 'Turn off' }))
  expect(await screen.findByRole('button', { name: 'Turn on' })).toBeVisible()
  expect(useToastsStore().toasts[0]?.text).toBe('Two-step sign-in is off.')
  expect(server.asked.find(({ path }) => path.endsWith('off'))?.body).toEqual({ password: 'secret', code: '123456' })
})

it('says why it cannot be turned on, and who requires it', async () => {
  const { unmount } = open({ 'GET /second-factor': () => json({ ...off, possible: false }) })
  expect(await screen.findByText(/has not set a key/)).toBeVisible()
  expect(screen.getByRole('button', { name: 'Turn on' })).toBeDisabled()
  unmount()
  open({ 'GET /second-factor': () => json({ ...on, required: true }) })
  expect(await screen.findByText(/required by the operator/)).toBeVisible()
})
