import { onMounted, onScopeDispose, watch } from 'vue'
import { browserShelf } from '@/lib/storage'
import { useSessionStore } from '@/stores/session'

const SHELF_KEY = 'signed-in'

/**
 * All tabs of a browser share one session cookie. When another tab signs in, this one follows: from the sign-in page
 * by asking again who we are, and from somebody else's page by starting anew, so that nobody writes as another. A tab
 * that slept through it hears of it from the server.
 */
export function useOneAccount(reload: () => void = () => window.location.reload()): void {
  const session = useSessionStore()

  watch(
    () => session.user?.id,
    (id) => id !== undefined && browserShelf.write(SHELF_KEY, id),
  )

  watch(
    () => session.takenOver,
    (takenOver) => takenOver && reload(),
  )

  function follow({ key }: StorageEvent): void {
    if (key !== `folkmoot.${SHELF_KEY}`) return
    if (session.status === 'signed-out') void session.start()
    else if (session.user && browserShelf.read(SHELF_KEY) !== session.user.id) reload()
  }

  onMounted(() => window.addEventListener('storage', follow))
  onScopeDispose(() => window.removeEventListener('storage', follow))
}
