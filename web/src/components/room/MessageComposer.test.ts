import { fireEvent, screen } from '@testing-library/vue'
import { expect, it } from 'vitest'
import { room } from '@/testing/builders'
import { mount } from '@/testing/mount'
import MessageComposer from './MessageComposer.vue'

function composer() {
  const view = mount(MessageComposer, { room: room(), userId: 1 })
  const box = screen.getByRole('textbox', { name: 'Message general' })
  const sent = () => (view.emitted<[string]>('send') ?? []).map(([body]) => body)
  return { ...view, box, sent, button: screen.getByRole('button', { name: 'Send' }) }
}

it('sends with Enter and is empty again', async () => {
  const { user, box, sent } = composer()
  await user.type(box, 'hello{Enter}')
  expect(sent()).toEqual(['hello'])
  expect(box).toHaveValue('')
})

it('starts a new line with Shift+Enter', async () => {
  const { user, box, sent } = composer()
  await user.type(box, 'one{Shift>}{Enter}{/Shift}two')
  expect(sent()).toEqual([])
  expect(box).toHaveValue('one\ntwo')
})

it('leaves the Enter that ends a composition alone', async () => {
  const { user, box, sent } = composer()
  await user.type(box, 'にほん')
  await fireEvent.keyDown(box, { key: 'Enter', isComposing: true })
  await fireEvent.keyDown(box, { key: 'Enter', keyCode: 229 })
  expect(sent()).toEqual([])
})

it('starts a new line with Enter on a touch screen; the button sends', async () => {
  const real = window.matchMedia
  window.matchMedia = (media) => ({ ...real(media), matches: media.includes('coarse') })
  const { user, box, sent, button } = composer()
  await user.type(box, 'one{Enter}two')
  expect(sent()).toEqual([])
  await user.click(button)
  expect(sent()).toEqual(['one\ntwo'])
  window.matchMedia = real
})

it('sends no empty message, and none without the blanks around it', async () => {
  const { user, box, sent, button } = composer()
  expect(button).toBeDisabled()
  await user.type(box, '   {Enter}')
  expect(sent()).toEqual([])
  await user.clear(box)
  await fireEvent.update(box, '\n\n  indented\n\n')
  await user.click(button)
  expect(sent()).toEqual(['  indented'])
})

it('counts near the limit and refuses beyond it', async () => {
  const { box, button } = composer()
  await fireEvent.update(box, 'x'.repeat(9_990))
  expect(screen.getByText('10 characters left')).toBeVisible()
  await fireEvent.update(box, 'x'.repeat(10_003))
  expect(screen.getByText('3 characters too long')).toBeVisible()
  expect(button).toBeDisabled()
})

it('keeps the draft of each room through a reload', async () => {
  const first = composer()
  await first.user.type(first.box, 'half a thought')
  await first.rerender({ room: room({ id: 8, name: 'other' }) })
  expect(screen.getByRole('textbox', { name: 'Message other' })).toHaveValue('')
  first.unmount()
  expect(composer().box).toHaveValue('half a thought')
})

it('forgets the draft once it is sent', async () => {
  const { user, box, unmount } = composer()
  await user.type(box, 'done{Enter}')
  unmount()
  expect(composer().box).toHaveValue('')
})
