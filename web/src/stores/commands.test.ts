import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { fakeServer, json, problem, unreachable } from '@/testing/fakeServer'
import { useCommandsStore } from './commands'

const RUN = 'POST /rooms/7/commands'
const sent = (server: ReturnType<typeof fakeServer>) => server.asked.map(({ body }) => body as { text: string; client_id: string })

beforeEach(() => {
  setActivePinia(createPinia())
  vi.useFakeTimers()
})
afterEach(() => vi.unstubAllGlobals())

it('asks for the list once in a while', async () => {
  const server = fakeServer({ 'GET /commands': () => json({ commands: [{ name: 'roll', usage: '/roll', about: '' }] }) })
  const commands = useCommandsStore()
  await Promise.all([commands.load(), commands.load()])
  expect(commands.offered.map(({ name }) => name)).toEqual(['roll'])
  await vi.advanceTimersByTimeAsync(61_000)
  await commands.load()
  expect(server.count('GET /commands')).toBe(2)
})

it('asks again soon for a list that did not come', async () => {
  const server = fakeServer({ 'GET /commands': unreachable })
  const commands = useCommandsStore()
  await commands.load()
  server.on('GET /commands', () => json({ commands: [] }))
  await commands.load()
  expect(server.count('GET /commands')).toBe(2)
})

it('keeps what is said to me alone', async () => {
  fakeServer({ [RUN]: () => json({ event: null, answer: 'Four.' }) })
  const commands = useCommandsStore()
  const running = commands.run(1, 7, '/roll 6')
  expect(commands.runs.get(7)?.state).toBe('running')
  await running
  expect(commands.runs.get(7)).toMatchObject({ state: 'done', says: 'Four.' })
  commands.dismiss(7)
  expect(commands.runs.has(7)).toBe(false)
})

it('repeats what may have been lost under the same client id, and gives up in the end', async () => {
  const server = fakeServer({ [RUN]: unreachable })
  const commands = useCommandsStore()
  const running = commands.run(1, 7, '/roll 6')
  await vi.advanceTimersByTimeAsync(10_000)
  await running
  expect(commands.runs.get(7)).toMatchObject({ state: 'failed', mayPass: true })
  server.on(RUN, () => problem(503, 'busy'))
  const again = commands.run(1, 7, '/roll 6')
  await vi.advanceTimersByTimeAsync(1_500)
  server.on(RUN, () => json({ event: null, answer: 'Four.' }))
  await vi.advanceTimersByTimeAsync(10_000)
  await again
  expect(commands.runs.get(7)?.state).toBe('done')
  expect(new Set(sent(server).map(({ client_id }) => client_id)).size).toBe(1)
  expect(sent(server)).toHaveLength(6)
})

it('goes on with an unfinished run after a reload, and makes a new one of another text', async () => {
  const server = fakeServer({ [RUN]: () => new Promise<Response>(() => undefined) })
  void useCommandsStore().run(1, 7, '/roll 6')
  await vi.advanceTimersByTimeAsync(0)
  setActivePinia(createPinia())
  server.on(RUN, () => json({ event: null, answer: 'x' }))
  await useCommandsStore().run(1, 7, '/roll 6')
  await useCommandsStore().run(1, 7, '/roll 6')
  await useCommandsStore().run(1, 7, '/roll 7')
  const ids = sent(server).map(({ client_id }) => client_id)
  expect(ids[0]).toBe(ids[1])
  expect(new Set(ids).size).toBe(3)
})

it.each([
  [problem(400, 'invalid', { detail: 'sides: wrong. Usage: /roll SIDES' }), 'sides: wrong. Usage: /roll SIDES', false],
  [problem(503, 'service_away', { detail: 'The service flask does not answer.' }), 'The service flask does not answer.', true],
  [problem(502, 'service_refused', { detail: 'The service flask refused.' }), 'The service flask refused.', false],
])('says at once why the server refuses', async (response, says, mayPass) => {
  const server = fakeServer({ [RUN]: () => response })
  const commands = useCommandsStore()
  await commands.run(1, 7, '/roll')
  expect(commands.runs.get(7)).toMatchObject({ state: 'failed', says, mayPass })
  expect(server.asked).toHaveLength(1)
})

it('runs one at a time in a room', async () => {
  const server = fakeServer({ [RUN]: () => new Promise<Response>(() => undefined) })
  const commands = useCommandsStore()
  void commands.run(1, 7, '/roll 6')
  await commands.run(1, 7, '/roll 6')
  await vi.advanceTimersByTimeAsync(0)
  expect(server.asked).toHaveLength(1)
})

it('tells nobody else what came of a run after its owner signed out', async () => {
  let release: (response: Response) => void = () => undefined
  fakeServer({ [RUN]: () => new Promise<Response>((resolve) => (release = resolve)) })
  const commands = useCommandsStore()
  const running = commands.run(1, 7, '/roll 6')
  await vi.advanceTimersByTimeAsync(0)
  commands.clear()
  release(json({ event: null, answer: 'secret' }))
  await running
  expect(commands.runs.size).toBe(0)
})
