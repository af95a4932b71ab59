import { screen } from '@testing-library/vue'
import { nextTick } from 'vue'
import { expect, it, vi } from 'vitest'
import { useConnectionStore } from '@/stores/connection'
import { mount } from '@/testing/mount'
import ConnectionStrip from './ConnectionStrip.vue'

async function strip() {
  vi.useFakeTimers()
  mount(ConnectionStrip)
  const connection = useConnectionStore()
  connection.connecting()
  await nextTick()
  return { connection, status: screen.getByRole('status') }
}

it('says nothing of a connection that opens quickly', async () => {
  const { connection, status } = await strip()
  expect(status).toBeEmptyDOMElement()
  connection.connected()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(status).toBeEmptyDOMElement()
})

it('says that it connects when that takes long', async () => {
  const { status } = await strip()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(status).toHaveTextContent('Connecting…')
})

it('says at once that it is lost, then that it is back, then nothing', async () => {
  const { connection, status } = await strip()
  connection.connected()
  connection.connecting()
  await nextTick()
  expect(status).toHaveTextContent('Reconnecting')
  connection.connected()
  await nextTick()
  expect(status).toHaveTextContent('Back online.')
  await vi.advanceTimersByTimeAsync(2_000)
  expect(status).toBeEmptyDOMElement()
})

it('offers to reconnect when the server said not to come back', async () => {
  const { connection } = await strip()
  connection.stopped()
  await nextTick()
  expect(screen.getByRole('button', { name: 'Reconnect' })).toBeInTheDocument()
})
