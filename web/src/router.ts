import { watch } from 'vue'
import { createRouter, createWebHistory } from 'vue-router'
import type { Router } from 'vue-router'
import ChatPage from './pages/ChatPage.vue'
import LoginPage from './pages/LoginPage.vue'
import type { useSessionStore } from './stores/session'

/** Which page is shown follows from the session alone: a change of it moves the page, wherever it came from. */
export function createAppRouter(session: ReturnType<typeof useSessionStore>, history = createWebHistory()): Router {
  const router = createRouter({
    history,
    routes: [
      { path: '/login', name: 'login', component: LoginPage },
      { path: '/', name: 'home', component: ChatPage },
      { path: '/rooms', name: 'rooms', component: ChatPage },
      { path: '/rooms/:roomId(\\d+)', name: 'room', component: ChatPage },
      { path: '/:anything(.*)*', redirect: '/' },
    ],
  })

  router.beforeEach((to) => {
    if (session.status === 'signed-out' && to.name !== 'login') return { name: 'login' }
    if (session.status === 'signed-in' && to.name === 'login') return { name: 'home' }
    return true
  })

  watch(
    () => session.status,
    (status) => {
      const { name } = router.currentRoute.value
      if (status === 'signed-out' && name !== 'login') void router.replace({ name: 'login' })
      if (status === 'signed-in' && name === 'login') void router.replace({ name: 'home' })
    },
  )
  return router
}
