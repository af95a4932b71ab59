// Greets by name, in Node alone.

import { createServer } from 'node:http'

const { HOST = '127.0.0.1', PORT = '5003' } = process.env

function answer(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' })
  response.end(body)
}

const server = createServer((request, response) => {
  if (request.method !== 'GET') return answer(response, 405, 'Only GET')
  if (request.url === '/health') return answer(response, 200, 'ok')
  const name = request.url.match(/^\/hello\/([^/?]+)$/)?.[1]
  if (!name) return answer(response, 404, 'Not found')
  try {
    answer(response, 200, `Hello ${decodeURIComponent(name)} from node service`)
  } catch {
    answer(response, 400, 'That is no name')
  }
})

server.listen(Number(PORT), HOST)
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => server.close())
