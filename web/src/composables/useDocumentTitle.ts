import { onScopeDispose, watchEffect } from 'vue'

/** The title of the tab: how much is unread, where we are, and the product's name. */
export function useDocumentTitle(unread: () => number, place: () => string, product: string): void {
  watchEffect(() => {
    const count = unread() > 0 ? `(${unread() > 99 ? '99+' : unread()}) ` : ''
    document.title = count + [place(), product].filter(Boolean).join(' · ')
  })
  onScopeDispose(() => (document.title = product))
}
