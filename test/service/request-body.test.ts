import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { residentMegabytes } from '../support/watch-process.ts'
import { eventually, within } from '../support/within.ts'

const DEADLINE = 10_000

/** Opens a connection and sends the head of a chat; what the gateway says is gathered. */
function begin(url: string, header: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const said = { text: '', ended: false }
  socket.on('data', (piece: Buffer) => (said.text += piece.toString()))
  socket.on('error', () => {})
  socket.on('close', () => (said.ended = true))
  socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n${header}\r\n\r\n`)
  return { socket, said }
}

describe('a request body', { timeout: 60_000 }, () => {
  it('of no announced length is refused where it passes the limit, and the answer arrives', async () => {
    await using gateway = await startTestGateway({ GATEWAY_MAX_BODY_BYTES: '100000' })
    const { socket, said } = begin(gateway.url, 'transfer-encoding: chunked')
    const chunk = `${(10_000).toString(16)}\r\n${'x'.repeat(10_000)}\r\n`
    for (let sent = 0; sent < 15; sent++) socket.write(chunk)
    await eventually(() => said.text.includes('body_too_large'), DEADLINE, 'the refusal')
    assert.match(said.text, /^HTTP\/1.1 413 /)
    await eventually(() => said.ended, DEADLINE, 'the end of the connection')
  })

  it('that its client never finishes counts as a client that left', async () => {
    await using gateway = await startTestGateway()
    const { socket } = begin(gateway.url, 'content-length: 1000')
    socket.write('{"model":')
    const inFlight = async () => (await metrics(gateway.url)).includes('requests_in_flight 2')
    await eventually(inFlight, DEADLINE, 'the request begins')
    socket.destroy()
    const counted = async () =>
      (await metrics(gateway.url)).includes('requests_total{route="/v1/chat/completions",status="499"} 1')
    await within(eventually(counted, DEADLINE, 'the request is counted'), DEADLINE, 'the metrics')
  })

  it('that stands still, or trickles, is refused and its connection closed; a slow one is not', async () => {
    await using gateway = await startTestGateway({ GATEWAY_BODY_IDLE_SECONDS: '1' })
    const silent = begin(gateway.url, 'content-length: 50000000')
    const trickling = begin(gateway.url, 'transfer-encoding: chunked')
    const slow = begin(gateway.url, 'content-length: 40000')
    const trickle = setInterval(() => trickling.socket.write('1\r\n \r\n'), 100)
    for (let sent = 0; sent < 8; sent++) {
      slow.socket.write(' '.repeat(5000))
      await delay(500)
    }
    clearInterval(trickle)
    for (const { said } of [silent, trickling]) {
      await eventually(() => said.ended, DEADLINE, 'the end of the connection')
      assert.match(said.text, /^HTTP\/1.1 408 [^]*x-should-retry: true[^]*"code":"request_timeout"/)
    }
    await eventually(() => slow.said.text.includes('\r\n\r\n'), DEADLINE, 'the answer')
    assert.match(slow.said.text, /^HTTP\/1.1 400 [^]*invalid_json/)
  })

  it('waits where others take all the memory there is for bodies, and a small one does not', async () => {
    const limits = { GATEWAY_MAX_BUFFERED_BYTES: '16000000', GATEWAY_MAX_BODY_BYTES: '14000000' }
    await using gateway = await startTestGateway(limits)
    const head = (bytes: number) => `content-length: ${bytes}\r\nconnection: close`
    const first = begin(gateway.url, head(10_000_000))
    first.socket.write(' '.repeat(1000))
    const waiting = begin(gateway.url, head(10_000_000))
    waiting.socket.write(' '.repeat(10_000_000))
    const small = begin(gateway.url, head(10))
    small.socket.write(' '.repeat(10))
    await eventually(() => small.said.text.includes('invalid_json'), DEADLINE, 'the answer to the small one')
    // More than it may take, and of no announced length: it cannot wait, because it holds what others wait for.
    const growing = begin(gateway.url, 'transfer-encoding: chunked')
    for (let sent = 0; sent < 90; sent++) growing.socket.write(`186a0\r\n${' '.repeat(100_000)}\r\n`)
    await eventually(() => growing.said.text.includes('queue_full'), DEADLINE, 'the refusal of the growing one')
    assert.match(growing.said.text, /^HTTP\/1.1 429 [^]*retry-after: 5/)
    assert.equal(waiting.said.text, '')
    first.socket.destroy()
    await eventually(() => waiting.said.text.includes('invalid_json'), DEADLINE, 'the answer to the one that waited')
  })

  it('is the same whether its length is announced or not', async () => {
    await using gateway = await startTestGateway()
    const text = '文x\\"'.repeat(900_000)
    const bytes = Buffer.from(`{"messages":[{"role":"user","content":"${text}"}],"model":"nobody has it"}`)
    for (const header of [`content-length: ${bytes.length}`, 'transfer-encoding: chunked']) {
      const { socket, said } = begin(gateway.url, header)
      const isChunked = header.startsWith('transfer')
      for (let from = 0; from < bytes.length; from += 70_001) {
        const piece = bytes.subarray(from, from + 70_001)
        if (isChunked) socket.write(`${piece.length.toString(16)}\r\n`)
        socket.write(piece)
        if (isChunked) socket.write('\r\n')
      }
      if (isChunked) socket.write('0\r\n\r\n')
      await eventually(() => said.text.includes('model_not_found'), DEADLINE, 'the answer')
      assert.match(said.text, /nobody has it/)
      socket.destroy()
    }
  })
})

describe('sixty uploads of 50 MB that stop half way', { timeout: 60_000 }, () => {
  it('take less than 1.2 GB together, keep no small request waiting, and are given back', async () => {
    await using gateway = await startGatewayProcess({ GATEWAY_LOG_LEVEL: 'silent', GATEWAY_BODY_IDLE_SECONDS: '6' })
    const block = Buffer.alloc(1_000_000, 'x')
    const uploads = Array.from({ length: 60 }, () => begin(gateway.url, 'content-length: 50000000'))
    for (const { socket } of uploads) socket.write('"')
    for (const { socket } of uploads) for (let sent = 0; sent < 25; sent++) socket.write(block)
    await eventually(() => residentMegabytes(gateway) > 350, DEADLINE, 'the uploads arrive')
    const small = await within(postChat(gateway.url, '{}'), DEADLINE, 'the small request')
    assert.equal(small.status, 400)
    await eventually(() => uploads.some(({ said }) => said.text.includes('request_timeout')), 20_000, 'the first 408')
    assert.ok(residentMegabytes(gateway, 'peak') < 1200, `${residentMegabytes(gateway, 'peak')} MB`)
    for (const { socket } of uploads) socket.destroy()
    await eventually(() => residentMegabytes(gateway) < 350, DEADLINE, 'the memory is given back')
  })
})

const JSON_BODY = { 'content-type': 'application/json' }

const postChat = (url: string, body: string) =>
  fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: JSON_BODY, body })

async function metrics(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text()
}
