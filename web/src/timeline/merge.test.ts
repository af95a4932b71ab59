import { describe, expect, it } from 'vitest'
import { event, events, page } from '@/testing/builders'
import { EMPTY, appendPage, prependPage, receive, refresh, stretchOf, trim } from './merge'

const seqs = (stretch: { events: readonly { seq: number }[] }) => stretch.events.map(({ seq }) => seq)
const upTo = (head: number) => stretchOf(page(events(1, head)))

describe('receive', () => {
  it('appends what follows', () => {
    const next = receive(upTo(3), [event(4)])
    expect(seqs(next)).toEqual([1, 2, 3, 4])
    expect(next.head).toBe(4)
  })

  it('changes nothing for what is known', () => {
    const stretch = upTo(3)
    expect(receive(stretch, [event(2), event(3)])).toBe(stretch)
  })

  it('puts a shuffled batch in order', () => {
    expect(seqs(receive(upTo(1), [event(4), event(2), event(3)]))).toEqual([1, 2, 3, 4])
  })

  it('applies nothing behind a hole, and remembers that it is wanted', () => {
    const next = receive(upTo(3), [event(5), event(6)])
    expect(seqs(next)).toEqual([1, 2, 3])
    expect(next).toMatchObject({ head: 3, wanted: 6 })
  })

  it('keeps an event once when a batch holds it twice', () => {
    expect(seqs(receive(upTo(1), [event(2), event(2)]))).toEqual([1, 2])
  })

  it('starts an empty log', () => {
    expect(seqs(receive({ ...EMPTY, fromStart: true }, [event(1)]))).toEqual([1])
  })
})

describe('appendPage', () => {
  it('fills the hole and is satisfied', () => {
    const behind = receive(upTo(3), [event(6)])
    const next = appendPage(behind, page(events(4, 6)))
    expect(seqs(next)).toEqual([1, 2, 3, 4, 5, 6])
    expect(next.wanted).toBe(next.head)
  })

  it('still wants the rest when there is more', () => {
    const behind = receive(upTo(3), [event(9)])
    expect(appendPage(behind, page(events(4, 6), { more: true, head_seq: 9 }))).toMatchObject({ head: 6, wanted: 9 })
  })

  it('does not show twice what arrived meanwhile', () => {
    const next = appendPage(receive(upTo(3), [event(4)]), page(events(4, 5)))
    expect(seqs(next)).toEqual([1, 2, 3, 4, 5])
  })

  it('stops wanting what the server does not have', () => {
    const behind = receive(upTo(3), [event(9)])
    expect(appendPage(behind, page([], { head_seq: 3 }))).toMatchObject({ head: 3, wanted: 3 })
  })
})

describe('prependPage', () => {
  it('puts older events before, and knows the start', () => {
    const newest = stretchOf(page(events(4, 6), { more: true }))
    expect(newest.fromStart).toBe(false)
    const whole = prependPage(newest, page(events(1, 3)))
    expect(seqs(whole)).toEqual([1, 2, 3, 4, 5, 6])
    expect(whole.fromStart).toBe(true)
  })

  it('drops an overlap', () => {
    const newest = stretchOf(page(events(4, 6), { more: true }))
    expect(seqs(prependPage(newest, page(events(2, 5), { more: true })))).toEqual([2, 3, 4, 5, 6])
  })
})

describe('refresh', () => {
  it('continues when the newest page touches ours', () => {
    expect(seqs(refresh(upTo(4), page(events(3, 6), { more: true })))).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('takes the page instead of leaving a hole', () => {
    const next = refresh(upTo(4), page(events(40, 42), { more: true }))
    expect(seqs(next)).toEqual([40, 41, 42])
    expect(next.fromStart).toBe(false)
  })

  it('takes the page of another epoch, even a shorter one', () => {
    expect(seqs(refresh(upTo(4), page(events(1, 2), { epoch: 'e2' })))).toEqual([1, 2])
  })
})

describe('trim', () => {
  it('keeps the newest and forgets that it had the start', () => {
    const next = trim(upTo(10), 4)
    expect(seqs(next)).toEqual([7, 8, 9, 10])
    expect(next).toMatchObject({ fromStart: false, head: 10 })
  })

  it('leaves a short log alone', () => {
    const stretch = upTo(3)
    expect(trim(stretch, 4)).toBe(stretch)
  })
})
