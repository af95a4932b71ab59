import { render } from '@testing-library/vue'
import { describe, expect, it } from 'vitest'
import { defineComponent, h } from 'vue'
import { useLeaveWarning } from './useLeaveWarning'

function leave(): boolean {
  return window.dispatchEvent(new Event('beforeunload', { cancelable: true }))
}

describe('useLeaveWarning', () => {
  it('asks while something is unsent, and not afterwards', () => {
    let unsent = true
    const Page = defineComponent(() => {
      useLeaveWarning(() => unsent)
      return () => h('main')
    })
    const { unmount } = render(Page)
    expect(leave()).toBe(false)
    unsent = false
    expect(leave()).toBe(true)
    unsent = true
    unmount()
    expect(leave()).toBe(true)
  })
})
