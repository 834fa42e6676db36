import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts'
import { longestHold, residentMegabytes, resetPeak, watched } from '../support/watch-process.ts'

const MB = 1024 * 1024
const LARGE = 190 * MB

/**
 * `/health` waits for nothing but the event loop. The code before took 12,000 ms for 30 MB of the first. The worst of these takes
 * 70 ms of a core that is its own, and up to twice as long where two share one.
 */
const MAX_HOLD_MS = 200
const MAX_RESIDENT_MB = 700

/** A body: a beginning, a unit that is repeated to a length, and an end. */
interface LargeBody {
  readonly head: string
  readonly unit: string
  readonly bytes: number
  readonly tail: string
}

/** Sends a body without holding it, until it is sent or answered. */
async function send(url: string, { head, unit, bytes, tail }: LargeBody): Promise<{ status: number; text: string }> {
  const count = Math.floor(bytes / unit.length)
  const perBlock = Math.ceil((256 * 1024) / unit.length)
  const block = Buffer.from(unit.repeat(perBlock))
  const length = Buffer.byteLength(head + tail) + count * Buffer.byteLength(unit)
  const headers = { 'content-type': 'application/json', 'content-length': length }
  const asked = request(`${url}/v1/chat/completions`, { method: 'POST', headers })
  asked.on('error', () => {})
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>
  const progress = { isAnswered: false }
  answered.then(() => (progress.isAnswered = true), () => (progress.isAnswered = true)) // prettier-ignore
  asked.write(head)
  for (let left = count; left > 0 && !progress.isAnswered; left -= perBlock) {
    const isTaken = asked.write(left >= perBlock ? block : unit.repeat(left))
    if (!isTaken) await Promise.race([once(asked, 'drain'), answered])
  }
  if (!progress.isAnswered) asked.end(tail)
  const [response] = await answered
  response.setEncoding('utf8')
  let text = ''
  response.on('data', (piece: string) => (text += piece))
  await once(response, 'close')
  return { status: response.statusCode ?? 0, text }
}

const chat = (model: string) => `{"model":"${model}","messages":[`
const end = '{"role":"user","content":"x"}]}'
const text = `${chat('chat')}{"role":"user","content":"`
const file = `${chat('tesseract')}{"role":"user","content":[{"type":"file","file":{"file_data":"data:application/pdf;base64,`
const names = (count: number) => Array.from({ length: count }, (_, index) => `"n${index}":1,`).join('')

describe('a large body holds up nobody, and takes no more than its own memory', { timeout: 120_000 }, () => {
  let upstream: Server
  let gateway: GatewayProcess

  before(async () => {
    // It takes bodies of any size, and looks at none.
    upstream = createServer((incoming, outgoing) => {
      const models = { object: 'list', data: [{ id: 'chat', object: 'model', max_model_len: 4096 }] }
      incoming.resume().once('end', () => {
        outgoing
          .setHeader('content-type', 'application/json')
          .end(JSON.stringify(incoming.method === 'GET' ? models : {}))
      })
    }).listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    const settings = {
      GATEWAY_UPSTREAM_URLS: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`,
      GATEWAY_MODEL_PROFILES: 'chat=none',
      GATEWAY_LOG_LEVEL: 'silent',
    }
    gateway = await startGatewayProcess(settings, watched)
    await send(gateway.url, { head: chat('chat'), unit: ' ', bytes: 0, tail: end })
  })
  after(async () => {
    await gateway[Symbol.asyncDispose]()
    upstream.closeAllConnections()
    upstream.close()
  })

  for (const { name, status, says = /./, body } of [
    {
      name: 'objects',
      status: 413,
      says: /100000 objects/,
      body: { head: '[', unit: '{},', bytes: LARGE, tail: '1]' },
    },
    { name: 'arrays', status: 413, body: { head: '[', unit: '[],', bytes: LARGE, tail: '1]' } },
    { name: 'messages that are none', status: 413, body: { head: chat('chat'), unit: '{},', bytes: LARGE, tail: end } },
    { name: 'numbers', status: 413, says: /1000000 values/, body: { head: '[', unit: '1,', bytes: LARGE, tail: '1]' } },
    {
      name: 'short strings',
      status: 413,
      says: /100000 strings/,
      body: { head: '[', unit: '"abc",', bytes: LARGE, tail: '1]' },
    },
    {
      name: 'strings of some kilobytes',
      status: 413,
      body: { head: '[', unit: `"${'x'.repeat(4000)}",`, bytes: LARGE, tail: '1]' },
    },
    {
      name: 'white space',
      status: 413,
      says: /16777216 bytes/,
      body: { head: '[', unit: ' ', bytes: LARGE, tail: '1]' },
    },
    { name: 'one name', status: 413, body: { head: '{', unit: '"a":1,', bytes: 10 * MB, tail: '"b":1}' } },
    {
      name: 'a million names',
      status: 413,
      body: { head: `{${names(1_000_000)}`, unit: ' ', bytes: 0, tail: '"b":1}' },
    },
    {
      name: 'a depth of 100,000',
      status: 400,
      says: /200 levels/,
      body: { head: chat('chat'), unit: '[', bytes: 100_000, tail: '' },
    },
    { name: 'a text', status: 200, body: { head: text, unit: 'x', bytes: LARGE, tail: `"},${end}` } },
    {
      name: 'a text of escapes',
      status: 200,
      body: { head: text, unit: String.raw`\u0041`, bytes: LARGE / 2, tail: `"},${end}` },
    },
    { name: 'a text of backslashes', status: 200, body: { head: text, unit: '\\\\', bytes: LARGE, tail: `"},${end}` } },
    {
      name: 'a text that never ends',
      status: 400,
      says: /not valid JSON/,
      body: { head: text, unit: 'x', bytes: LARGE, tail: '' },
    },
    {
      name: 'base64',
      status: 400,
      says: /not a PDF/,
      body: { head: file, unit: 'AAAA', bytes: 128 * MB, tail: '"}}]}]}' },
    },
    {
      name: 'base64 with a blank every four signs',
      status: 400,
      says: /not a PDF/,
      body: { head: file, unit: 'AAAA ', bytes: 128 * MB, tail: '"}}]}]}' },
    },
    {
      name: 'percent-encoded base64',
      status: 400,
      says: /not a PDF/,
      body: { head: file, unit: '%41%41%41%41', bytes: 128 * MB, tail: '"}}]}]}' },
    },
    {
      name: 'base64 beyond the limit',
      status: 413,
      says: /larger than 104857600/,
      body: { head: file, unit: 'AAAA', bytes: LARGE, tail: '"}}]}]}' },
    },
    {
      name: 'just fewer names than are refused',
      status: 200,
      body: {
        head: `${chat('chat').slice(0, -12)}"x":{${names(95_000)}`,
        unit: ' ',
        bytes: 0,
        tail: `"b":1},"messages":[${end}`,
      },
    },
    {
      name: 'just fewer numbers than are refused',
      status: 200,
      body: {
        head: `${chat('chat').slice(0, -12)}"x":[`,
        unit: '1.5e3,',
        bytes: 6 * 999_000,
        tail: `1],"messages":[${end}`,
      },
    },
    {
      name: 'just fewer parts than are refused',
      status: 200,
      body: {
        head: text.slice(0, -1) + '[',
        unit: '{"type":"text","text":"x"},',
        bytes: 27 * 24_000,
        tail: `"x"]},${end}`,
      },
    },
  ]) {
    // prettier-ignore
    it(`full of ${name}`, async () => {
      resetPeak(gateway)
      await longestHold(gateway)
      const answer = await send(gateway.url, body)
      assert.equal(answer.status, status, answer.text.slice(0, 300))
      assert.match(answer.text, says)
      const hold = await longestHold(gateway)
      assert.ok(hold < MAX_HOLD_MS, `the event loop was held for ${hold} ms`)
      const resident = residentMegabytes(gateway, 'peak')
      assert.ok(resident < MAX_RESIDENT_MB, `${resident} MB`)
    })
  }
})
