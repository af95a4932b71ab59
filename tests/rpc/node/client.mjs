// npm's client with the contract that the articles print, and with ours: `client.mjs ADDRESS TOKEN ROOM`. What it is
// answered goes to standard output, line by line.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import grpc from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

const [address, token, room] = process.argv.slice(2)
const contracts = join(dirname(fileURLToPath(import.meta.url)), '../../../proto')
const load = (name) => grpc.loadPackageDefinition(loadSync(join(contracts, name), { keepCase: true, longs: Number, arrays: true }))
const metadata = new grpc.Metadata()
metadata.set('authorization', `Bearer ${token}`)

const tell = (event, details) => process.stdout.write(`${JSON.stringify({ event, ...details })}\n`)
const open = (Service) => new Service(address, grpc.credentials.createInsecure())
const ask = (stub, method, request, known = metadata) =>
  promisify((done) => stub[method](request, known, { deadline: Date.now() + 20_000 }, done))()

const api = open(load('api.proto').api.Api)
tell('hello', await ask(api, 'sayHello', { name: 'Gonzalo' }, new grpc.Metadata()))
tell('all', await ask(api, 'getAll', { length: 10 }, new grpc.Metadata()))
const items = []
for await (const item of api.getStream({ length: 5 })) items.push(item)
tell('stream', { items })

const folkmoot = open(load('folkmoot.proto').folkmoot.v1.Folkmoot)
const stream = folkmoot.Subscribe({ room_id: room, offset: 0 }, metadata)
stream.on('error', ({ code, metadata: trailing }) => tell('ended', { code, folkmoot: trailing.get('folkmoot-code') }))
stream.on('data', ({ epoch, offset, events }) => tell('heard', { epoch, offset, bodies: events.map(({ body }) => body) }))
await new Promise((begun) => stream.once('data', begun))

const client_id = '6f1ee8d1-a5e1-4a2c-9a9e-0d6a9a5f0001'
tell('sent', await ask(folkmoot, 'Send', { room_id: room, body: 'Hello from Node', client_id }))
tell('history', await ask(folkmoot, 'History', { room_id: room }))
tell('called', await ask(folkmoot, 'Call', { module: 'rooms', action: 'mine' }))
await ask(folkmoot, 'History', { room_id: room }, new grpc.Metadata()).catch(({ code, metadata: trailing }) =>
  tell('refused', { code, folkmoot: trailing.get('folkmoot-code') }),
)
