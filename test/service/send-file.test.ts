import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { it } from 'node:test'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { pino } from 'pino'
import type { OpenFile } from '../../gateway/files/file-store.ts'
import type { GatewayEnv } from '../../gateway/http/context.ts'
import { sendFile } from '../../gateway/http/send-file.ts'

it('a file that breaks off while it is sent ends its connection, and is one line of the log', async (t) => {
  const printed = t.mock.method(console, 'error', () => {})
  const logged: string[] = []
  const log = pino({ base: null }, { write: (line: string) => void logged.push(line) })
  const stream = Readable.from(
    (async function* () {
      yield Buffer.from('the first part')
      await new Promise((resolve) => setTimeout(resolve, 50))
      throw new Error('The disk is gone.')
    })(),
  )
  const open = { file: { id: 'file-1', filename: 'a.txt' }, blob: { length: 1000, stream: () => stream } }
  const app = new Hono<GatewayEnv>().get('/', (c) => {
    c.set('log', log)
    return sendFile(c, open as unknown as OpenFile, 30)
  })
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  await once(server, 'listening')
  t.after(() => server.close())
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  let answer = ''
  socket.on('data', (data: Buffer) => (answer += data.toString()))
  await once(socket, 'close')
  assert.match(answer, /content-length: 1000\r\n[^]*\r\n\r\nthe first part$/)
  assert.equal(printed.mock.callCount(), 0)
  assert.equal(logged.length, 1)
  assert.match(logged[0]!, /"file":"file-1".*"a file broke off while it was sent"/)
})
