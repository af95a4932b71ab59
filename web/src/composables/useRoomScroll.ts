import { nextTick, onBeforeUpdate, onMounted, onScopeDispose, onUpdated, readonly, ref } from 'vue'
import type { Ref } from 'vue'

/** So close to the end counts as "at the bottom". */
const BOTTOM_SLACK_PX = 40
/** So close to the start, the next older page is asked for. */
const NEAR_START_PX = 900
/** Where on the screen the first unread message is put when there are more than fit. */
const UNREAD_AT = 0.2

interface Options {
  /** The element that scrolls. Its messages carry `data-anchor`, the unread line `data-unread`. */
  viewport: Ref<HTMLElement | null>
  /** True once there is something to look at. */
  isReady: () => boolean
  onNearStart: () => void
}

interface Anchor {
  element: HTMLElement
  top: number
}

/**
 * Where the reader is in the list, and keeping it there. At the bottom the list follows what arrives; anywhere else
 * the message under the reader's eyes stays where it is, whatever comes above or below it.
 */
export function useRoomScroll({ viewport, isReady, onNearStart }: Options) {
  const atBottom = ref(true)
  let anchor: Anchor | null = null
  let isPlaced = false
  let size = ''

  function toBottom(): void {
    const element = viewport.value
    if (!element) return
    atBottom.value = true
    element.scrollTop = element.scrollHeight
  }

  function onScroll(): void {
    const element = viewport.value
    // A new size moves the content by itself: that is not the reader scrolling, and `onResize` puts it right.
    if (!element || !isPlaced || sizeOf(element) !== size) return
    atBottom.value = element.scrollHeight - element.scrollTop - element.clientHeight <= BOTTOM_SLACK_PX
    askForOlder()
  }

  /** The keyboard, a growing composer and a turned phone change the size; the bottom stays in view. */
  function onResize(): void {
    const element = viewport.value
    if (!element) return
    size = sizeOf(element)
    if (isPlaced && atBottom.value) toBottom()
  }

  function askForOlder(): void {
    const element = viewport.value
    if (element && isPlaced && element.scrollTop < NEAR_START_PX) onNearStart()
  }

  function remember(): void {
    anchor = atBottom.value || !viewport.value ? null : firstVisible(viewport.value)
  }

  function restore(): void {
    const element = viewport.value
    if (!element) return
    if (!isPlaced) place()
    else if (atBottom.value) toBottom()
    else if (anchor?.element.isConnected) element.scrollTop += topOf(anchor.element) - anchor.top
    askForOlder()
  }

  /** The first look at a room: the unread line when it is there, otherwise the newest message. */
  function place(): void {
    const element = viewport.value
    if (!element || !isReady()) return
    isPlaced = true
    size = sizeOf(element)
    toBottom()
    const unread = element.querySelector<HTMLElement>('[data-unread]')
    if (!unread) return
    const offset = unread.getBoundingClientRect().top - element.getBoundingClientRect().top
    const wanted = element.clientHeight * UNREAD_AT
    if (offset < wanted) element.scrollTop += offset - wanted
    onScroll()
  }

  onBeforeUpdate(remember)
  onUpdated(restore)
  followSize(viewport, onResize)
  onMounted(() => void nextTick(restore))

  return { atBottom: readonly(atBottom), toBottom, onScroll }
}

function followSize(viewport: Ref<HTMLElement | null>, follow: () => void): void {
  if (typeof ResizeObserver === 'undefined') return
  const observer = new ResizeObserver(follow)
  onMounted(() => {
    if (!viewport.value) return
    observer.observe(viewport.value)
    if (viewport.value.firstElementChild) observer.observe(viewport.value.firstElementChild)
  })
  onScopeDispose(() => observer.disconnect())
}

/**
 * The first message that starts inside the viewport. Not the first of the list: an older page may make it a follower
 * of the message before it, and then its own height changes.
 */
function firstVisible(viewport: HTMLElement): Anchor | null {
  const elements = viewport.querySelectorAll<HTMLElement>('[data-anchor]')
  const edge = viewport.getBoundingClientRect().top
  let low = 1
  let high = elements.length
  while (low < high) {
    const middle = (low + high) >> 1
    const element = elements[middle]
    if (element && topOf(element) < edge) low = middle + 1
    else high = middle
  }
  const element = elements[Math.min(low, elements.length - 1)]
  return element ? { element, top: topOf(element) } : null
}

function sizeOf({ clientWidth, clientHeight }: HTMLElement): string {
  return `${clientWidth} ${clientHeight}`
}

function topOf(element: HTMLElement): number {
  return element.getBoundingClientRect().top
}
