import { computed, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { browserShelf } from '@/lib/storage'
import { useRoomsStore } from '@/stores/rooms'
import { useSessionStore } from '@/stores/session'

/** The room of the address. "Home" leads to the room seen last, or the first. */
export function useCurrentRoom() {
  const route = useRoute()
  const router = useRouter()
  const rooms = useRoomsStore()
  const session = useSessionStore()

  const shelfKey = () => `last-room.${session.user?.id ?? 0}`
  const roomId = computed(() => (route.name === 'room' ? Number(route.params.roomId) : null))
  const room = computed(() => (roomId.value === null ? undefined : rooms.byId.get(roomId.value)))

  watch(roomId, (id) => id !== null && browserShelf.write(shelfKey(), id), { immediate: true })

  watch(
    () => route.name === 'home' && rooms.status === 'ready',
    (isLost) => {
      if (!isLost) return
      const last = rooms.byId.get(Number(browserShelf.read(shelfKey()))) ?? rooms.all[0]
      void router.replace(last ? { name: 'room', params: { roomId: last.id } } : { name: 'rooms' })
    },
    { immediate: true },
  )

  return { roomId, room }
}
