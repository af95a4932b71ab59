import { computed, ref, watch } from 'vue'
import type { Ref } from 'vue'
import { begunIn, commandIn } from '@/lib/command'
import { useCommandsStore } from '@/stores/commands'

const MOST = 50

/** The list of commands while the name of one is typed: what fits, which is marked, and which keys do what. */
export function useCommandMenu(text: Ref<string>) {
  const commands = useCommandsStore()
  const marked = ref(0)
  const closed = ref(false)

  const begun = computed(() => begunIn(text.value))
  const fitting = computed(() =>
    begun.value === undefined ? [] : commands.offered.filter(({ name }) => name.startsWith(begun.value ?? '')).slice(0, MOST),
  )
  const isOpen = computed(() => !closed.value && fitting.value.length > 0)
  /** The command whose words are being typed, for a line that says how. */
  const typed = computed(() => {
    const name = commandIn(text.value)
    return begun.value === undefined ? commands.offered.find((each) => each.name === name) : undefined
  })

  watch(begun, (now, before) => {
    marked.value = 0
    if (now === undefined || before === undefined) closed.value = false
    if (now !== undefined) void commands.load()
  })
  if (text.value.startsWith('/')) void commands.load()

  function choose(name: string): void {
    text.value = `/${name} `
  }

  function move(by: number): void {
    const count = fitting.value.length
    marked.value = (marked.value + by + count) % count
  }

  /** True when the key was for the list. */
  function onKeydown(event: KeyboardEvent): boolean {
    if (!isOpen.value || event.isComposing || event.shiftKey) return false
    const at = fitting.value[marked.value]
    const isWhole = at?.name === begun.value
    if (event.key === 'ArrowDown') move(1)
    else if (event.key === 'ArrowUp') move(-1)
    else if (event.key === 'Escape') closed.value = true
    else if (at && (event.key === 'Tab' || (event.key === 'Enter' && !isWhole))) choose(at.name)
    else return false
    event.preventDefault()
    return true
  }

  return { fitting, marked, isOpen, typed, choose, onKeydown }
}
