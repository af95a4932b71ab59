import { screen, within } from '@testing-library/vue'
import { afterEach, expect, it, vi } from 'vitest'
import { room } from '@/testing/builders'
import { fakeServer, json, problem } from '@/testing/fakeServer'
import { mount } from '@/testing/mount'
import MessageComposer from './MessageComposer.vue'

afterEach(() => vi.unstubAllGlobals())
window.HTMLElement.prototype.scrollIntoView = () => undefined // which jsdom does not have

const LIST = [
  { name: 'help', usage: '/help [COMMAND]', about: 'Lists the commands.' },
  { name: 'hello', usage: '/hello TEXT', about: 'Says hello.' },
  { name: 'roll', usage: '/roll SIDES', about: 'Rolls a die.' },
]
const RUN = 'POST /rooms/7/commands'

function composer(answers: Parameters<typeof fakeServer>[0] = {}) {
  const server = fakeServer({ 'GET /commands': () => json({ commands: LIST }), ...answers })
  const view = mount(MessageComposer, { room: room(), userId: 1 })
  const box = screen.getByRole('textbox', { name: 'Message general' })
  const sent = () => (view.emitted<[string]>('send') ?? []).map(([body]) => body)
  return { ...view, server, box, sent }
}

const marked = () => screen.getByRole('option', { selected: true })

it('lists the commands while a name is typed, and marks one by the keys', async () => {
  const { user, box } = composer()
  await user.type(box, '/')
  const list = await screen.findByRole('listbox', { name: 'Commands' })
  expect(within(list).getAllByRole('option')).toHaveLength(3)
  expect(box).toHaveAttribute('aria-controls', list.id)
  expect(box).toHaveAttribute('aria-activedescendant', marked().id)
  await user.keyboard('{ArrowUp}')
  expect(marked()).toHaveTextContent('/roll')
  await user.keyboard('{ArrowDown}{ArrowDown}')
  expect(marked()).toHaveTextContent('/hello')
  await user.keyboard('{Enter}')
  expect(box).toHaveValue('/hello ')
  expect(screen.queryByRole('listbox')).toBeNull()
  expect(screen.getByText('/hello TEXT')).toBeVisible()
})

it('narrows as more is typed, and takes a tap', async () => {
  const { user, box } = composer()
  await user.type(box, '/He')
  expect(await screen.findAllByRole('option')).toHaveLength(2)
  await user.click(screen.getByRole('option', { name: /hello/ }))
  expect(box).toHaveValue('/hello ')
  expect(box).toHaveFocus()
})

it('closes with Escape until the next slash, and never for a message', async () => {
  const { user, box } = composer()
  await user.type(box, '/h')
  await screen.findByRole('listbox')
  await user.keyboard('{Escape}e')
  expect(screen.queryByRole('listbox')).toBeNull()
  await user.clear(box)
  await user.type(box, '/')
  expect(screen.getByRole('listbox')).toBeVisible()
  await user.type(box, '/x')
  expect(screen.queryByRole('listbox')).toBeNull()
})

it('runs a command that needs no words with one Enter, and shows its answer to me alone', async () => {
  const { user, box, sent } = composer({ [RUN]: () => json({ event: null, answer: '- `/help` **all**' }) })
  await user.type(box, '/')
  await screen.findByRole('listbox')
  await user.type(box, 'help{Enter}')
  expect(await screen.findByText('Only you can see this')).toBeVisible()
  expect(screen.getByText('all').tagName).toBe('STRONG')
  expect(box).toHaveValue('')
  expect(sent()).toEqual([])
  await user.click(screen.getByRole('button', { name: 'Dismiss' }))
  expect(screen.queryByText('Only you can see this')).toBeNull()
})

it('shows that it runs, and keeps the text until it is done', async () => {
  let release: (response: Response) => void = () => undefined
  const { user, box, server } = composer({ [RUN]: () => new Promise<Response>((resolve) => (release = resolve)) })
  await user.type(box, '/roll 6{Enter}')
  expect(await screen.findByText('Running /roll…')).toBeVisible()
  expect(box).toHaveValue('/roll 6')
  expect(box).toHaveAttribute('readonly')
  await user.keyboard('{Enter}')
  await vi.waitFor(() => expect(server.count(RUN)).toBe(1))
  release(json({ event: {}, answer: null }))
  await vi.waitFor(() => expect(box).toHaveValue(''))
  expect(box).not.toHaveAttribute('readonly')
})

it('says what is wrong without losing what was typed', async () => {
  const detail = 'sides: Not a valid integer. Usage: /roll SIDES'
  const { user, box, server, unmount } = composer({ [RUN]: () => problem(400, 'invalid', { detail }) })
  await user.type(box, '/roll six{Enter}')
  expect(await screen.findByRole('alert')).toHaveTextContent(detail)
  expect(box).toHaveValue('/roll six')
  server.on(RUN, () => json({ event: {}, answer: null }))
  await user.type(box, '{Backspace}{Backspace}{Backspace}6{Enter}')
  await vi.waitFor(() => expect(box).toHaveValue(''))
  expect(screen.queryByRole('alert')).toBeNull()
  unmount()
})

it('sends what only looks like a command', async () => {
  const { user, box, sent } = composer()
  await user.type(box, '//roll 6{Enter}')
  await user.type(box, '/etc/passwd is gone{Enter}')
  expect(sent()).toEqual(['/roll 6', '/etc/passwd is gone'])
})
