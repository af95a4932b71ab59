import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { whenSignedOut, whenToConfirm } from './api/client'
import App from './App.vue'
import { i18n } from './locales'
import { createAppRouter } from './router'
import { useConfirmingStore } from './stores/confirming'
import { useSessionStore } from './stores/session'
import './styles/index.css'

const app = createApp(App).use(createPinia()).use(i18n)
const session = useSessionStore()
whenSignedOut(() => session.ended())
whenToConfirm(() => useConfirmingStore().ask())
void session.start()
app.use(createAppRouter(session)).mount('#app')
