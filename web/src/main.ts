import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { whenSignedOut } from './api/client'
import App from './App.vue'
import { i18n } from './locales'
import { createAppRouter } from './router'
import { useSessionStore } from './stores/session'
import './styles/index.css'

const app = createApp(App).use(createPinia()).use(i18n)
const session = useSessionStore()
whenSignedOut(() => session.ended())
void session.start()
app.use(createAppRouter(session)).mount('#app')
