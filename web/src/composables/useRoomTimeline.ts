import { computed, onUnmounted, ref, watch } from 'vue'
import type { Room } from '@/api/types'
import { buildItems } from '@/timeline/items'
import { useOutboxStore } from '@/stores/outbox'
import { useRoomsStore } from '@/stores/rooms'
import { useSessionStore } from '@/stores/session'
import { useTimelinesStore } from '@/stores/timelines'
import { useDivider } from './useDivider'
import { usePageFocus } from './usePageFocus'
import { useReadPosition } from './useReadPosition'

/** What a room keeps in memory, and how far it may grow before it is cut back to that. */
const KEEP_EVENTS = 1_000
const TRIM_ABOVE = 1_200

/** Everything the view of one room needs: what to show, and the verbs. Made anew for each room. */
export function useRoomTimeline(room: () => Room) {
  const timelines = useTimelinesStore()
  const outbox = useOutboxStore()
  const rooms = useRoomsStore()
  const session = useSessionStore()
  const id = room().id
  const atBottom = ref(true)
  const focused = usePageFocus()

  const timeline = computed(() => timelines.byRoom.get(id))
  const head = computed(() => (timeline.value?.status === 'ready' ? timeline.value.head : 0))
  const me = computed(() => session.user ?? { id: 0, name: '' })
  const outgoing = computed(() => outbox.entries.filter((entry) => entry.roomId === id))
  const divider = useDivider(room().read_seq, room().head_seq, focused, () => head.value)
  const items = computed(() =>
    buildItems(timeline.value?.events ?? [], outgoing.value, { me: me.value, unread: divider.unread.value }),
  )

  void timelines.open(id)
  // A room that was dropped while we look at it (joined again elsewhere) is opened again.
  watch(timeline, (now) => now ?? void timelines.open(id))
  watch([() => timeline.value?.events.length ?? 0, atBottom], ([count, isAtBottom]) => {
    if (isAtBottom && count > TRIM_ABOVE) timelines.keepNewest(id, KEEP_EVENTS)
  })
  useReadPosition({
    head: () => head.value,
    readSeq: () => room().read_seq,
    isSeen: () => head.value > 0 && atBottom.value && focused.value,
    save: (seq) => void rooms.markRead(id, seq),
  })
  onUnmounted(() => timelines.keepNewest(id, KEEP_EVENTS))

  function send(body: string): void {
    divider.clear()
    outbox.send(id, body)
  }

  return {
    timeline,
    items,
    me,
    atBottom,
    outgoing,
    send,
    retry: outbox.retry,
    discard: outbox.discard,
    loadOlder: () => void timelines.loadOlder(id),
    reload: () => void timelines.open(id),
  }
}
