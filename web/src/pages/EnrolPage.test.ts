import { screen } from '@testing-library/vue'
import { afterEach, expect, it, vi } from 'vitest'
import { useSessionStore } from '@/stores/session'
import { signedIn } from '@/testing/builders'
import { fakeServer, json } from '@/testing/fakeServer'
import { mount } from '@/testing/mount'
import EnrolPage from './EnrolPage.vue'

afterEach(() => vi.unstubAllGlobals())

const enrolment = { secret: 'ABCD', address: 'otpauth://totp/x', picture: 'data:image/svg+xml,%3Csvg/%3E' }

it('leads somebody who must have a second factor to it, and then on', async () => {
  const server = fakeServer({
    'GET /session': () => json({ ...signedIn(), must_enrol: true }),
    'POST /second-factor': () => json(enrolment, 201),
    'POST /second-factor/confirm': () => json({ recovery_codes: ['aaaa-bbbb'], session: signedIn().session, access_token: null }),
  })
  const { user } = mount(EnrolPage)
  const session = useSessionStore()
  await session.start()
  expect(session.mustEnrol).toBe(true)
  await user.type(await screen.findByRole('textbox', { name: 'Code that the app shows' }), '123456{Enter}')
  expect(await screen.findByText('aaaa-bbbb')).toBeVisible()
  expect(session.mustEnrol, 'the codes are to be read first').toBe(true)
  server.on('GET /session', () => json(signedIn()))
  await user.click(screen.getByRole('button', { name: 'I have kept them' }))
  await vi.waitFor(() => expect(session.mustEnrol).toBe(false))
})

it('can be left', async () => {
  fakeServer({
    'GET /session': () => json({ ...signedIn(), must_enrol: true }),
    'POST /second-factor': () => json(enrolment, 201),
    'DELETE /session': () => new Response(null, { status: 204 }),
  })
  const { user } = mount(EnrolPage)
  await useSessionStore().start()
  await user.click(await screen.findByRole('button', { name: 'Sign out' }))
  await vi.waitFor(() => expect(useSessionStore().status).toBe('signed-out'))
})
