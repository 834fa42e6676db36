import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { createCanvas } from '@napi-rs/canvas'
import OpenAI from 'openai'
import { getDocument } from 'pdfjs-dist/legacy/build/pdf.mjs'
import sharp from 'sharp'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import type { FakeVllm } from '../fakes/fake-vllm.ts'
import { readPageBarcode } from '../fakes/page-barcode.ts'
import { makePdf } from '../support/make-pdf.ts'
import type { PageSpec } from '../support/make-pdf.ts'
import { eventually, within } from '../support/within.ts'

const DEADLINE = 5000
const MODEL = 'lightonai/LightOnOCR-2-1B'
const headers = { 'content-type': 'application/json' }

async function pngUrl(width = 64, height = 32): Promise<string> {
  const png = await sharp({ create: { width, height, channels: 3, background: '#fff' } })
    .png()
    .toBuffer()
  return `data:image/png;base64,${png.toString('base64')}`
}

function imagePart(url: unknown) {
  return { type: 'image_url', image_url: url }
}

async function chat(fake: FakeVllm, content: unknown, fields: Record<string, unknown> = {}) {
  const response = await fetch(`${fake.url}/chat/completions`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ model: MODEL, messages: [{ role: 'user', content }], ...fields }),
  })
  return {
    status: response.status,
    body: (await response.json()) as {
      error?: { message: string; type: string; code: number }
      choices?: { message: { content: string }; finish_reason: string }[]
    },
  }
}

/** A streamed chat that is read as far as is wanted; what waits for more resolves with it. */
async function streamChat(fake: FakeVllm) {
  const body = JSON.stringify({ model: MODEL, stream: true, messages: [{ role: 'user', content: 'Hi' }] })
  const response = await fetch(`${fake.url}/chat/completions`, { method: 'POST', headers, body })
  let seen = ''
  void (async () => {
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) seen += text
  })().catch(() => {})
  return {
    seen: () => seen,
    readUntil: (text: string) => eventually(() => seen.includes(text), DEADLINE, text),
  }
}

describe('the fake vLLM', () => {
  it('streams to the official client: role, text, finish reason, usage', async () => {
    await using fake = await startFakeVllm({ answer: () => 'one two three' })
    const client = new OpenAI({ baseURL: fake.url, apiKey: 'none' })
    const stream = await client.chat.completions.create({
      model: MODEL,
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: await pngUrl() } }] }],
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = await within(Array.fromAsync(stream), DEADLINE, 'the stream')
    assert.deepEqual(chunks[0]?.choices[0]?.delta, { role: 'assistant', content: '' })
    assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), 'one two three')
    assert.deepEqual(chunks.map((chunk) => chunk.choices[0]?.finish_reason).filter(Boolean), ['stop'])
    assert.deepEqual(chunks.at(-1)?.choices, [])
    assert.equal(chunks.at(-1)?.usage?.completion_tokens, 4)
    assert.equal(fake.requests[0]?.finished, true)
  })

  it('answers whole when it is not asked to stream, and lists its models', async () => {
    await using fake = await startFakeVllm()
    const client = new OpenAI({ baseURL: fake.url, apiKey: 'none' })
    const completion = await client.chat.completions.create({
      model: MODEL,
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: await pngUrl(64, 32) } }] }],
    })
    assert.match(completion.choices[0]?.message.content ?? '', /^page image 64x32 sha [0-9a-f]{12}$/)
    const [model] = (await client.models.list()).data
    assert.deepEqual(model, {
      id: MODEL,
      object: 'model',
      created: 1_760_000_000,
      owned_by: 'vllm',
      root: MODEL,
      parent: null,
      max_model_len: 16_384,
      permission: (model as unknown as { permission: unknown }).permission,
    })
  })

  it('cuts an answer at max_tokens and says so', async () => {
    await using fake = await startFakeVllm({ answer: () => 'one two three' })
    const { body } = await chat(fake, 'Hi', { max_tokens: 2 })
    assert.deepEqual(body.choices?.[0]?.message.content, 'one two')
    assert.equal(body.choices?.[0]?.finish_reason, 'length')
  })

  it('invents text for completions that carry an image', async () => {
    await using fake = await startFakeVllm()
    const response = await fetch(`${fake.url}/completions`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ model: MODEL, prompt: 'Read this', image: await pngUrl() }),
    })
    assert.equal(response.status, 200)
    const { choices } = (await response.json()) as { choices: { text: string; finish_reason: string }[] }
    assert.match(choices[0]?.text ?? '', /Read this/)
    assert.equal(choices[0]?.finish_reason, 'length')
  })

  it('asks for its key below /v1 alone, and answers with a string', async () => {
    await using fake = await startFakeVllm({ apiKey: 'secret' })
    const refused = await fetch(`${fake.url}/models`)
    assert.deepEqual([refused.status, await refused.json()], [401, { error: 'Unauthorized' }])
    const health = await fetch(new URL('/health', fake.url))
    assert.deepEqual([health.status, await health.text()], [200, ''])
    assert.equal((await fetch(`${fake.url}/models`, { headers: { authorization: 'Bearer secret' } })).status, 200)
  })

  it('answers garbage, and records why, when a model is asked in another layout than its own', async () => {
    const lighton = [imagePart({ url: await pngUrl() })]
    const withText = [...lighton, { type: 'text', text: 'OCR this' }]
    await using fake = await startFakeVllm({ models: [MODEL, 'tencent/HunyuanOCR'] })
    assert.match((await chat(fake, lighton)).body.choices?.[0]?.message.content ?? '', /^page image/)
    assert.deepEqual(fake.layoutProblems, [])
    assert.doesNotMatch((await chat(fake, withText)).body.choices?.[0]?.message.content ?? '', /^page image/)
    assert.deepEqual(fake.layoutProblems, ['one image alone expected, got image_url, text'])
    await chat(fake, withText, { model: 'tencent/HunyuanOCR' })
    assert.deepEqual(fake.layoutProblems.slice(1), ['HunyuanOCR needs an empty system message first'])
  })

  it('closes an idle connection after five seconds, without having said so', { timeout: 10_000 }, async () => {
    await using fake = await startFakeVllm()
    const socket = connect(fake.port, '127.0.0.1')
    socket.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    assert.doesNotMatch(answer.toString(), /keep-alive: timeout/i)
    const idleSince = performance.now()
    socket.resume()
    await within(once(socket, 'end'), 7000, 'the end of the connection')
    assert.ok(performance.now() - idleSince > 4500)
    socket.destroy()
  })

  it('stops generating when the client leaves, and records when', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ deltas: ['a', 'b'], delayMs: 60_000 }) })
    const client = new AbortController()
    const response = await fetch(`${fake.url}/chat/completions`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ model: MODEL, stream: true, messages: [{ role: 'user', content: 'Hi' }] }),
      signal: client.signal,
    })
    assert.equal(response.status, 200)
    client.abort()
    await eventually(() => fake.requests[0]?.aborted === true, DEADLINE, 'the abort is seen')
    assert.ok((fake.requests[0]?.endedAt ?? 0) > (fake.requests[0]?.startedAt ?? Infinity))
    assert.equal(fake.requests[0]?.signal.aborted, true)
  })

  it('accepts and answers nothing on any path while it hangs, in the middle of a stream too', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ deltas: ['one', ' two', ' three'], delayMs: 20 }) })
    const running = await streamChat(fake)
    await running.readUntil('one')
    fake.setHanging(true)
    const asked = ['/health', '/v1/models'].map((path) => fetch(new URL(path, fake.url)))
    const chatted = chat(fake, 'Hi')
    const silence = Promise.race([...asked, chatted, running.readUntil('three')]).then(() => 'said something')
    await assert.rejects(within(silence, 300, 'silence'), /nothing within/)
    fake.setHanging(false)
    const answers = await within(Promise.all([...asked, chatted]), DEADLINE, 'the answers')
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    )
    await running.readUntil('[DONE]')
  })

  it('ends what runs with `abort` when it is put to sleep, and lets what comes wait until it wakes', async () => {
    const script = { deltas: ['one', ' two'], delayMs: 60_000 }
    await using fake = await startFakeVllm({ devMode: true, answer: () => script })
    const control = async (path: string, method: string) => (await fetch(new URL(path, fake.url), { method })).text()
    const running = await streamChat(fake)
    await running.readUntil('one')
    await control('/sleep?level=1', 'POST')
    await running.readUntil('[DONE]')
    assert.match(running.seen(), /"finish_reason":"abort"/)
    assert.equal(await control('/is_sleeping', 'GET'), '{"is_sleeping":true}')
    assert.equal((await fetch(new URL('/health', fake.url))).status, 200)
    const waiting = await streamChat(fake)
    await assert.rejects(within(waiting.readUntil('one'), 300, 'sleep'), /nothing within/)
    await control('/wake_up', 'POST')
    await waiting.readUntil('one')
    assert.equal(await control('/is_sleeping', 'GET'), '{"is_sleeping":false}')
  })

  it('has no path to ask whether it sleeps outside of dev mode', async () => {
    await using fake = await startFakeVllm()
    assert.equal((await fetch(new URL('/is_sleeping', fake.url))).status, 404)
  })

  it('answers at once, streamed or whole, when it is started for benchmarks', async () => {
    await using fake = await startFakeVllm({ instant: true })
    const client = new OpenAI({ baseURL: fake.url, apiKey: 'none' })
    const request = { model: MODEL, messages: [{ role: 'user' as const, content: 'Hi' }] }
    const whole = await client.chat.completions.create(request)
    const stream = await client.chat.completions.create({ ...request, stream: true })
    const chunks = await within(Array.fromAsync(stream), DEADLINE, 'the stream')
    assert.equal(
      chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''),
      whole.choices[0]?.message.content,
    )
    assert.equal(fake.requests.length, 0)
    assert.equal(fake.calls.get('POST /v1/chat/completions'), 2)
  })

  it('runs as its own process and says where', async () => {
    const child = spawn(process.execPath, ['test/fakes/fake-vllm-main.ts', '--model', 'm', '--instant'])
    try {
      const [line] = (await within(once(child.stdout, 'data'), DEADLINE, 'its first line')) as [Buffer]
      const url = /^fake vllm: (http:\/\/127\.0\.0\.1:\d+\/v1)$/m.exec(line.toString())?.[1]
      const { data } = (await (await fetch(`${url}/models`)).json()) as { data: { id: string }[] }
      assert.deepEqual(
        data.map(({ id }) => id),
        ['m'],
      )
    } finally {
      child.kill()
      await within(once(child, 'exit'), DEADLINE, 'its end')
    }
  })
})

async function draw(specs: readonly PageSpec[], page: number) {
  const document = await getDocument({ data: makePdf(specs), verbosity: 0 }).promise
  const drawn = await document.getPage(page)
  const viewport = drawn.getViewport({ scale: 1 })
  const canvas = createCanvas(Math.round(viewport.width), Math.round(viewport.height))
  await drawn.render({ canvas: canvas as never, viewport }).promise
  const content = await drawn.getTextContent()
  const lines = content.items.map((item) => ('str' in item ? item.str : '')).filter((line) => line !== '')
  const png = canvas.toBuffer('image/png')
  await document.loadingTask.destroy()
  return { width: canvas.width, height: canvas.height, lines, png }
}

describe('a made PDF', () => {
  for (const rotate of [0, 90, 180, 270] as const) {
    it(`shows its number upright when it is turned by ${rotate}`, async () => {
      const page = { width: 400, height: 600, rotate, number: 3001 }
      const { width, height, png } = await draw([page], 1)
      assert.deepEqual([width, height], [400, 600])
      const { data, info } = await sharp(png)
        .flatten({ background: '#fff' })
        .raw()
        .toBuffer({ resolveWithObject: true })
      assert.equal(readPageBarcode({ data, ...info }), 3001)
    })
  }

  it('is read by the fake: number and all', async () => {
    await using fake = await startFakeVllm()
    const { png } = await draw([{}, { number: 2, lines: ['Two'] }], 2)
    const { body } = await chat(fake, [imagePart({ url: `data:image/png;base64,${png.toString('base64')}` })])
    assert.match(body.choices?.[0]?.message.content ?? '', /^This is page 2\.\n\npage image 595x842 sha/)
    assert.equal(fake.requests[0]?.image?.pageNumber, 2)
  })

  it('holds its lines, and has no number where none was asked for', async () => {
    const { lines, png } = await draw([{ lines: ['One (1) \\ é', 'Two 中'] }], 1)
    assert.deepEqual(lines, ['One (1) \\ é', 'Two ?'])
    const { data, info } = await sharp(png).flatten({ background: '#fff' }).raw().toBuffer({ resolveWithObject: true })
    assert.equal(readPageBarcode({ data, ...info }), null)
  })

  it('has thousands of pages and stays small', async () => {
    const lines = Array.from({ length: 40 }, (_, line) => `Line ${line} of the same text on every page`)
    const specs = Array.from({ length: 2000 }, (_, page) => ({ number: page, lines }))
    const pdf = makePdf(specs)
    assert.ok(pdf.byteLength < 2_000_000, `${pdf.byteLength} bytes`)
    const document = await getDocument({ data: pdf, verbosity: 0 }).promise
    assert.equal(document.numPages, 2000)
    await document.loadingTask.destroy()
  })
})
