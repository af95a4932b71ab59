import { nextTick, ref } from 'vue'
import { expect, it } from 'vitest'
import { useDivider } from './useDivider'

it('stands after what was read when the room was opened', () => {
  expect(useDivider(3, 8, ref(true), () => 8).unread.value).toEqual({ after: 3, until: 8 })
  expect(useDivider(8, 8, ref(true), () => 8).unread.value).toBeNull()
})

it('covers what comes while somebody looks away, and nothing after', async () => {
  const focused = ref(true)
  const head = ref(8)
  const { unread } = useDivider(8, 8, focused, () => head.value)
  focused.value = false
  await nextTick()
  head.value = 10
  expect(unread.value).toEqual({ after: 8, until: Infinity })
  focused.value = true
  await nextTick()
  head.value = 12
  expect(unread.value).toEqual({ after: 8, until: 10 })
})
