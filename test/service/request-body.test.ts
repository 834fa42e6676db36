import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { startTestGateway } from '../support/start-gateway.ts'
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
})

async function metrics(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text()
}
