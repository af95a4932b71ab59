import { effectScope, nextTick, ref } from 'vue'
import { beforeEach, expect, it, vi } from 'vitest'
import { useReadPosition } from './useReadPosition'

function reader() {
  const head = ref(5)
  const readSeq = ref(2)
  const isSeen = ref(true)
  const save = vi.fn((seq: number) => (readSeq.value = seq))
  const scope = effectScope()
  scope.run(() =>
    useReadPosition({ head: () => head.value, readSeq: () => readSeq.value, isSeen: () => isSeen.value, save }),
  )
  return { head, isSeen, save, scope }
}

beforeEach(() => {
  vi.useFakeTimers()
})

it('saves the newest after it was in view for a moment, once', async () => {
  const { save } = reader()
  expect(save).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(save.mock.calls).toEqual([[5]])
})

it('reads what comes as it comes, however busy the room is', async () => {
  const { head, save } = reader()
  await vi.advanceTimersByTimeAsync(1_000)
  for (let seq = 6; seq < 26; seq++) {
    head.value = seq
    await nextTick()
    expect(save).toHaveBeenLastCalledWith(seq)
    await vi.advanceTimersByTimeAsync(250)
  }
})

it('reads a room that was busy already when somebody came', async () => {
  const { head, save } = reader()
  for (let seq = 6; seq < 10; seq++) {
    head.value = seq
    await vi.advanceTimersByTimeAsync(250)
  }
  expect(save).toHaveBeenLastCalledWith(9)
})

it('takes a moment again after somebody looked away', async () => {
  const { head, isSeen, save } = reader()
  await vi.advanceTimersByTimeAsync(1_000)
  isSeen.value = false
  head.value = 6
  await vi.advanceTimersByTimeAsync(1_000)
  isSeen.value = true
  await nextTick()
  expect(save.mock.calls).toEqual([[5]])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(save.mock.calls).toEqual([[5], [6]])
})

it('saves nothing that nobody looks at', async () => {
  const { isSeen, save } = reader()
  isSeen.value = false
  await nextTick()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(save).not.toHaveBeenCalled()
})

it('saves nothing after the room was left', async () => {
  const { save, scope } = reader()
  scope.stop()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(save).not.toHaveBeenCalled()
})
