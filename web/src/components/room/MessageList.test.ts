import { screen, within } from '@testing-library/vue'
import { expect, it, vi } from 'vitest'
import type { RoomEvent } from '@/api/types'
import type { OutboxEntry } from '@/stores/outbox'
import type { Timeline } from '@/stores/timelines'
import { NOON, ann, bjorn, event, page, room } from '@/testing/builders'
import { mount } from '@/testing/mount'
import { buildItems } from '@/timeline/items'
import type { Unread } from '@/timeline/items'
import { stretchOf } from '@/timeline/merge'
import MessageList from './MessageList.vue'

function propsOf(list: RoomEvent[], outgoing: OutboxEntry[] = [], unread: Unread | null = null) {
  const timeline: Timeline = { ...stretchOf(page(list)), status: 'ready', older: 'idle' }
  const items = buildItems(list, outgoing, { me: ann, unread })
  return { room: room(), timeline, items, me: ann, outgoing: outgoing.length, atBottom: true }
}

const day = (back: number) => new Date(NOON - back * 86_400_000).toISOString()
const outgoing = (state: OutboxEntry['state'], reason?: string): OutboxEntry => ({
  clientId: 'mine',
  roomId: 7,
  body: 'on its way',
  createdAt: day(0),
  state,
  reason,
})

it('separates the days by their names', () => {
  vi.setSystemTime(NOON)
  mount(MessageList, propsOf([event(1, { created_at: day(8) }), event(2, { created_at: day(1) }), event(3, { created_at: day(0) })]))
  const names = screen.getAllByRole('separator').map((line) => line.getAttribute('aria-label'))
  expect(names).toEqual([expect.stringMatching(/^Friday, November 13/), 'Yesterday', 'Today'])
})

it('is a log of articles, with lines for who came and went', () => {
  mount(MessageList, propsOf([event(1, { kind: 'created', body: null, author: ann }), event(2, { kind: 'joined', body: null }), event(3)]))
  const log = screen.getByRole('log', { name: 'Messages' })
  expect(within(log).getAllByRole('article')).toHaveLength(1)
  expect(log).toHaveTextContent('Ann Sommers')
  expect(log).toHaveTextContent(/opened this room/)
  expect(log).toHaveTextContent(/joined/)
  expect(screen.getByRole('heading', { name: 'The start of general' })).toBeInTheDocument()
})

it('shows the author once for a group', () => {
  mount(MessageList, propsOf([event(1), event(2), event(3)]))
  expect(screen.getAllByText(bjorn.name)).toHaveLength(1)
})

it('marks where the unread messages begin', () => {
  mount(MessageList, propsOf([event(1), event(2)], [], { after: 1, until: 2 }))
  const line = screen.getByText('New')
  expect(line.compareDocumentPosition(screen.getByText('message 2'))).toBe(Node.DOCUMENT_POSITION_FOLLOWING)
  expect(line.compareDocumentPosition(screen.getByText('message 1'))).toBe(Node.DOCUMENT_POSITION_PRECEDING)
})

it('offers to retry or delete what was not sent, and says why', async () => {
  const { user, emitted } = mount(MessageList, propsOf([event(1)], [outgoing('failed', 'The room is read-only.')]))
  expect(screen.getByText('Not sent. The room is read-only.')).toBeVisible()
  await user.click(screen.getByRole('button', { name: 'Retry' }))
  await user.click(screen.getByRole('button', { name: 'Delete' }))
  expect(emitted()).toMatchObject({ retry: [['mine']], discard: [['mine']] })
})

it('turns a pending message into the real one in the same element', async () => {
  const { rerender } = mount(MessageList, propsOf([event(1)], [outgoing('pending')]))
  const before = screen.getByText('on its way').closest('article')
  expect(screen.getByRole('img', { name: 'Sending' })).toBeInTheDocument()
  await rerender(propsOf([event(1), event(2, { author: ann, client_id: 'mine', body: 'on its way', created_at: day(0) })]))
  expect(screen.getByText('on its way').closest('article')).toBe(before)
  expect(screen.queryByRole('img', { name: 'Sending' })).toBeNull()
})

