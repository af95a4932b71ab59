import { render } from '@testing-library/vue'
import userEvent from '@testing-library/user-event'
import { createPinia, setActivePinia } from 'pinia'
import type { Component } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import { i18n } from '@/locales'

const blank = { template: '<p/>' }

function newRouter() {
  return createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/login', name: 'login', component: blank },
      { path: '/', name: 'home', component: blank },
      { path: '/rooms', name: 'rooms', component: blank },
      { path: '/settings/:section?', name: 'settings', component: blank },
      { path: '/forgot', name: 'forgot', component: blank },
      { path: '/reset', name: 'reset', component: blank },
      { path: '/totp', name: 'totp', component: blank },
      { path: '/rooms/:roomId', name: 'room', component: blank },
    ],
  })
}

/** A component on a page of its own, with fresh stores, and somebody to use it. */
export function mount(component: Component, props: Record<string, unknown> = {}, router = newRouter()) {
  const pinia = createPinia()
  setActivePinia(pinia)
  const view = render(component, { props, global: { plugins: [pinia, i18n, router] } })
  return { ...view, router, user: userEvent.setup() }
}

/** The same at an address, which is there before the page is. */
export async function mountAt(path: string, component: Component) {
  const router = newRouter()
  await router.push(path)
  return mount(component, {}, router)
}
