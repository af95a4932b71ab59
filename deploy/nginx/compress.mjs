// Puts compressed copies beside the files of a folder, for a server that sends them as they are: node compress.mjs FOLDER
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const folder = process.argv[2]
const kinds = /\.(html|css|js|svg|json|webmanifest|txt)$/
const worthIt = 1024 // bytes: a smaller file fits into one packet as it is

for (const name of readdirSync(folder, { recursive: true })) {
  if (!kinds.test(name)) continue
  const path = join(folder, name)
  const content = readFileSync(path)
  if (content.length < worthIt) continue
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }))
  writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }))
}
