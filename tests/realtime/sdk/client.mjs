// The unmodified client of npm, told what to do line by line: {"call": 1, "do": "subscribe", "channel": "room:7"} on
// standard input; what happens to it, line by line, on standard output.
import { createInterface } from 'node:readline'
import { Centrifuge } from 'centrifuge'

const [url, token, options] = process.argv.slice(2)
const client = new Centrifuge(url, {
  token,
  minReconnectDelay: 20,
  maxReconnectDelay: 200,
  timeout: 500,
  ...JSON.parse(options),
})

const tell = (event, details = {}) => process.stdout.write(`${JSON.stringify({ event, ...details })}\n`)
const publication = (by, { channel, offset, data, info }) => tell('publication', { by, channel, offset, data, info })
const subscription = (by, { channel, wasRecovering, recovered, recoverable, streamPosition }) =>
  tell('subscribed', { by, channel, wasRecovering, recovered, recoverable, streamPosition })

client.on('connecting', ({ code, reason }) => tell('connecting', { code, reason }))
client.on('connected', ({ client: id, transport }) => tell('connected', { client: id, transport }))
client.on('disconnected', ({ code, reason }) => tell('disconnected', { code, reason }))
client.on('error', ({ type, error }) => tell('error', { type, error }))
client.on('subscribed', (context) => subscription('server', context))
client.on('unsubscribed', ({ channel }) => tell('unsubscribed', { by: 'server', channel }))
client.on('publication', (context) => publication('server', context))

function subscribe({ channel, options: given = {} }) {
  const subscribed = client.newSubscription(channel, given)
  subscribed.on('subscribed', (context) => subscription('client', context))
  subscribed.on('unsubscribed', ({ code, reason }) => tell('unsubscribed', { by: 'client', channel, code, reason }))
  subscribed.on('publication', (context) => publication('client', context))
  subscribed.on('error', ({ error }) => tell('error', { channel, error }))
  subscribed.subscribe()
  return subscribed.ready()
}

const verbs = {
  connect: () => client.connect(),
  disconnect: () => client.disconnect(),
  subscribe,
  unsubscribe: ({ channel }) => client.getSubscription(channel).unsubscribe(),
  publish: ({ channel, data }) => client.publish(channel, data),
  rpc: ({ method, data }) => client.rpc(method, data),
  history: ({ channel, options: given }) => client.history(channel, given),
  presence: ({ channel }) => client.presence(channel),
  presenceStats: ({ channel }) => client.presenceStats(channel),
}

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const asked = JSON.parse(line)
    try {
      tell('done', { call: asked.call, result: await verbs[asked.do](asked) })
    } catch (error) {
      tell('done', { call: asked.call, error: { code: error.code, message: error.message } })
    }
  })
  .on('close', () => process.exit(0))
