import { describe, expect, it } from 'vitest'
import type { OutboxEntry } from '@/stores/outbox'
import { NOON, ann, bjorn, chidi, event } from '@/testing/builders'
import { buildItems } from './items'
import type { Item } from './items'

const nothingUnread = { me: ann, unread: null }
const at = (minutes: number) => new Date(NOON + minutes * 60_000).toISOString()
const messages = (items: Item[]) => items.filter((item) => item.type === 'message')
const shape = (items: Item[]) =>
  items.map((item) => (item.type === 'message' ? (item.grouped ? 'grouped' : 'message') : item.type))

function outgoing(changes: Partial<OutboxEntry> = {}): OutboxEntry {
  return { clientId: 'mine', roomId: 7, body: 'on its way', createdAt: at(3), state: 'pending', ...changes }
}

it('shows what came of a command under what was typed, apart from what its author says', () => {
  const body = '/hello Gonzalo\nHello Gonzalo\nfrom flask service'
  const list = [event(1), event(2, { kind: 'command', body }), event(3)]
  const items = buildItems(list, [], nothingUnread)
  expect(shape(items)).toEqual(['day', 'message', 'message', 'message'])
  expect(messages(items)[1]).toMatchObject({ typed: '/hello Gonzalo', body: 'Hello Gonzalo\nfrom flask service', author: bjorn })
})

describe('days', () => {
  it('start with a separator, one for each local day', () => {
    const list = [event(1, { created_at: at(0) }), event(2, { created_at: at(1) }), event(3, { created_at: at(24 * 60) })]
    expect(shape(buildItems(list, [], nothingUnread))).toEqual(['day', 'message', 'grouped', 'day', 'message'])
  })

  it('separate also a message on its way', () => {
    const items = buildItems([event(1, { created_at: at(-48 * 60) })], [outgoing()], nothingUnread)
    expect(shape(items)).toEqual(['day', 'message', 'day', 'message'])
  })
})

describe('groups', () => {
  it('hold the messages of one author within five minutes', () => {
    const list = [1, 2, 3].map((seq) => event(seq, { created_at: at(seq * 4) }))
    expect(shape(buildItems(list, [], nothingUnread))).toEqual(['day', 'message', 'grouped', 'grouped'])
  })

  it('end after five minutes of silence', () => {
    const list = [event(1, { created_at: at(0) }), event(2, { created_at: at(5) })]
    expect(shape(buildItems(list, [], nothingUnread))).toEqual(['day', 'message', 'message'])
  })

  it('end when somebody else speaks', () => {
    const list = [event(1), event(2, { author: chidi }), event(3)]
    expect(shape(buildItems(list, [], nothingUnread))).toEqual(['day', 'message', 'message', 'message'])
  })

  it('end at a system line', () => {
    const list = [event(1), event(2, { kind: 'joined', body: null }), event(3)]
    expect(shape(buildItems(list, [], nothingUnread))).toEqual(['day', 'message', 'system', 'message'])
  })
})

describe('the unread line', () => {
  it('does not stand before somebody who came, or one\'s own message', () => {
    const list = [event(1, { kind: 'joined' }), event(2, { author: ann }), event(3)]
    const items = buildItems(list, [], { me: ann, unread: { after: 0, until: 3 } })
    expect(shape(items)).toEqual(['day', 'system', 'message', 'unread', 'message'])
  })

  it('stands before the first unread message and starts a new group', () => {
    const items = buildItems([event(1), event(2), event(3)], [], { me: ann, unread: { after: 1, until: 3 } })
    expect(shape(items)).toEqual(['day', 'message', 'unread', 'message', 'grouped'])
  })

  it('does not stand before a message of my own', () => {
    const list = [event(1), event(2, { author: ann }), event(3)]
    expect(shape(buildItems(list, [], { me: ann, unread: { after: 1, until: 3 } }))).toEqual(['day', 'message', 'message', 'unread', 'message'])
  })

  it('is absent when everything was read', () => {
    expect(shape(buildItems([event(1)], [], { me: ann, unread: { after: 1, until: 1 } }))).toEqual(['day', 'message'])
  })

  it('does not stand before what came while somebody was looking', () => {
    const list = [event(1, { author: ann }), event(2)]
    expect(shape(buildItems(list, [], { me: ann, unread: { after: 0, until: 1 } }))).toEqual(['day', 'message', 'message'])
  })
})

describe('a message on its way', () => {
  it('has the key of the event it becomes', () => {
    const [before] = messages(buildItems([], [outgoing()], nothingUnread))
    const [after] = messages(buildItems([event(1, { author: ann, client_id: 'mine' })], [], nothingUnread))
    expect(after?.key).toBe(before?.key)
  })

  it('does not share a key with somebody who uses the same client id', () => {
    const items = buildItems([event(1, { author: bjorn, client_id: 'mine' })], [outgoing()], nothingUnread)
    expect(new Set(items.map(({ key }) => key)).size).toBe(items.length)
  })
})
