import { watch } from 'vue'
import { createRouter, createWebHistory } from 'vue-router'
import type { Router } from 'vue-router'
import ChatPage from './pages/ChatPage.vue'
import ForgotPage from './pages/ForgotPage.vue'
import LoginPage from './pages/LoginPage.vue'
import ResetPage from './pages/ResetPage.vue'
import TotpPage from './pages/TotpPage.vue'
import type { useSessionStore } from './stores/session'

/**
 * Which page is shown follows from the session alone: a change of it moves the page, wherever it came from. Pages that
 * are `open` are there for everybody.
 */
export function createAppRouter(session: ReturnType<typeof useSessionStore>, history = createWebHistory()): Router {
  const router = createRouter({
    history,
    routes: [
      { path: '/login', name: 'login', component: LoginPage },
      { path: '/forgot', name: 'forgot', component: ForgotPage, meta: { open: true } },
      { path: '/reset', name: 'reset', component: ResetPage, meta: { open: true } },
      { path: '/', name: 'home', component: ChatPage },
      { path: '/rooms', name: 'rooms', component: ChatPage },
      { path: '/rooms/:roomId(\\d+)', name: 'room', component: ChatPage },
      { path: '/settings/:section?', name: 'settings', component: ChatPage },
      { path: '/totp', name: 'totp', component: TotpPage },
      { path: '/:anything(.*)*', redirect: '/' },
    ],
  })

  let wanted: string | null = null // where somebody was going who had to sign in first

  function goal(): string {
    const path = wanted ?? '/'
    wanted = null
    return path
  }

  router.beforeEach((to) => {
    if (session.status === 'signed-out' && to.name !== 'login' && !to.meta.open) {
      wanted = to.fullPath
      return { name: 'login' }
    }
    if (session.status === 'signed-in' && to.name === 'login') return goal()
    return true
  })

  watch(
    () => session.status,
    (status, before) => {
      const { name, fullPath, meta } = router.currentRoute.value
      if (status === 'signed-out' && name !== 'login' && !meta.open) {
        // Whoever signs out is done here; anybody else wants to go on where they were.
        if (before !== 'signed-in' || session.wasEnded) wanted = fullPath
        void router.replace({ name: 'login' })
      }
      if (status === 'signed-in' && name === 'login') void router.replace(goal())
    },
  )
  return router
}
