import { readonly, ref } from 'vue'
import { browserShelf } from '@/lib/storage'

export type Theme = 'light' | 'dark' | 'system'

const SHELF_KEY = 'theme'
const darkQuery = window.matchMedia('(prefers-color-scheme: dark)')
const theme = ref<Theme>(saved())

function saved(): Theme {
  const value = browserShelf.read(SHELF_KEY)
  return value === 'light' || value === 'dark' ? value : 'system'
}

function apply(): void {
  const isDark = theme.value === 'dark' || (theme.value === 'system' && darkQuery.matches)
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light'
}

darkQuery.addEventListener('change', apply)
apply()

/** The theme is one for the whole page, so it lives beside the function and not in it. */
export function useTheme() {
  function choose(next: Theme): void {
    theme.value = next
    browserShelf.write(SHELF_KEY, next)
    apply()
  }

  return { theme: readonly(theme), choose }
}
