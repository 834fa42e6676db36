import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import { z } from 'zod'
import type { Answer } from '../fakes/fake-vllm-answer.ts'
import { chooseProfile } from '../../gateway/profile/profiles.ts'
import { startFakeVllm, type FakeVllm, type FakeVllmOptions } from '../fakes/fake-vllm.ts'
import { eventually, within } from '../support/within.ts'

const folder = join(import.meta.dirname, '../fixtures/vllm-recordings')
const recorded = (file: string): string => readFileSync(join(folder, file), 'utf8')

const DEADLINE = 10_000
const MODEL = 'lightonai/LightOnOCR-2-1B'
const HUNYUAN = 'tencent/HunyuanOCR'

/** What was asked when a file was recorded. */
interface Asked {
  readonly file: string
  readonly status?: number
  readonly method?: 'GET' | 'POST'
  readonly path?: string
  /** Fields of a chat about one picture; a string is the whole body. */
  readonly body?: Readonly<Record<string, unknown>> | string
  readonly contentType?: string
  /** Of the picture; default 300 × 200. */
  readonly size?: readonly [number, number]
  readonly fake?: FakeVllmOptions
  /** What differs although both are right: numbers that follow from the tokenizer, and words that the model chose. */
  readonly ignore?: readonly RegExp[]
}

const TOKENS = [/(?<="(?:prompt|total)_tokens":)\d+/g]
/** Of a recording that was shortened: fewer tokens are sent than were counted. */
const SHORTENED = [...TOKENS, /(?<="completion_tokens":)\d+/g]

const user = (...content: unknown[]) => [{ role: 'user', content }]
const imagePart = (url: unknown) => ({ type: 'image_url', image_url: url })
const image = (url: string) => user(imagePart({ url }))

const plain: readonly Asked[] = [
  { file: 'models.json', method: 'GET', path: '/v1/models' },
  {
    file: 'models-lora.json',
    method: 'GET',
    path: '/v1/models',
    fake: { models: [MODEL, { id: 'letters', root: 'adapters/letters', parent: MODEL }] },
  },
  { file: 'version.json', method: 'GET', path: '/version' },
  { file: 'health-asleep.txt', method: 'GET', path: '/health' },
  { file: 'error-key.json', status: 401, method: 'GET', path: '/v1/models', fake: { apiKey: 'secret' } },
  { file: 'error-path.json', status: 404, path: '/v1/nope', body: '{}' },
  { file: 'error-method.json', status: 405, method: 'GET', path: '/v1/chat/completions' },
  { file: 'sleep.json', path: '/sleep?level=1&mode=abort', fake: { devMode: true } },
  { file: 'wake-up.json', path: '/wake_up', fake: { devMode: true } },
  { file: 'plain.json', body: { max_tokens: 6 }, ignore: TOKENS },
  {
    file: 'completions-image.json',
    path: '/v1/completions',
    body: JSON.stringify({ prompt: 'hi', image: 'data:image/png;base64,AAAA', max_tokens: 4 }),
    ignore: [...SHORTENED, /(?<="text":)"(?:[^"\\]|\\.)*"/g],
  },
]

const refused: readonly Asked[] = [
  { file: 'error-model.json', status: 404, body: { model: 'x' } },
  { file: 'error-two-images.json', status: 400, body: { messages: user(...pictures(2)) } },
  { file: 'error-bad-image.json', status: 400, body: { messages: image('data:image/png;base64,AAAA') } },
  { file: 'error-stream-bad-image.json', status: 400, body: { messages: image('data:image/png;base64,AAAA'), stream: true } }, // prettier-ignore
  { file: 'error-bad-base64.json', status: 400, body: { messages: image('data:image/png;base64,@@@@') } },
  { file: 'error-no-base64.json', status: 501, body: { messages: image('data:image/png,abcd') } },
  { file: 'error-no-comma.json', status: 400, body: { messages: image('data:image/png;base64') } },
  { file: 'error-empty-url.json', status: 400, body: { messages: image('') } },
  { file: 'error-url-not-object.json', status: 400, body: { messages: user(imagePart('data:image/png;base64,AAAA')) } },
  { file: 'error-file-part.json', status: 400, body: { messages: user({ type: 'file', file: {} }) } },
  { file: 'error-file-url.json', status: 500, body: { messages: image('file:///etc/hostname') } },
  { file: 'error-remote-url.json', status: 500, body: { messages: image('http://127.0.0.1:9/a.png') } },
  { file: 'error-max-tokens.json', status: 400, body: { max_tokens: 99_999 } },
  { file: 'error-max-tokens-zero.json', status: 400, body: { max_tokens: 0 } },
  // Four letters are a token, and the template takes twelve.
  { file: 'error-too-long.json', status: 400, body: { messages: user({ type: 'text', text: 'a'.repeat((16_385 - 12) * 4) }) } }, // prettier-ignore
  { file: 'error-temperature.json', status: 400, body: { temperature: -1 } },
  { file: 'error-temperature-type.json', status: 400, body: { temperature: 'x' } },
  { file: 'error-top-p.json', status: 400, body: { top_p: 2 } },
  { file: 'error-top-logprobs.json', status: 400, body: { logprobs: true, top_logprobs: 21 } },
  { file: 'error-no-messages.json', status: 400, body: JSON.stringify({ model: MODEL }) },
  { file: 'error-empty-messages.json', status: 400, body: { messages: [] } },
  { file: 'error-repetition-detection.json', status: 400, body: { repetition_detection: { min_pattern_size: 16, max_pattern_size: 8, min_count: 50 } } }, // prettier-ignore
  { file: 'error-json.json', status: 400, body: '{' },
  { file: 'error-media-type.json', status: 400, body: '{}', contentType: 'text/plain' },
  {
    file: 'error-image-too-long.json',
    status: 400,
    body: { max_tokens: 100 },
    size: [1540, 1540],
    fake: { models: [{ id: MODEL, maxModelLen: 2500 }] },
    ignore: [/(?<=Input length \()\d+/g],
  },
  {
    file: 'error-encoder-cache.json',
    status: 400,
    body: { model: HUNYUAN },
    size: [1216, 3440],
    fake: { models: [{ id: HUNYUAN, encoderCacheTokens: 4162 }] },
  },
  { file: 'error-aspect.json', status: 400, body: { model: HUNYUAN }, size: [6400, 31], fake: { models: [HUNYUAN] } },
]

const streamed: readonly Asked[] = [
  { file: 'stream-plain.sse', body: { max_tokens: 6, stream: true }, ignore: TOKENS },
  { file: 'stream-usage.sse', body: { max_tokens: 6, ...withUsage() }, ignore: TOKENS },
  {
    file: 'stream-continuous-usage.sse',
    body: { max_tokens: 6, stream: true, stream_options: { include_usage: true, continuous_usage_stats: true } },
    ignore: TOKENS,
  },
  { file: 'stream-stop.sse', body: { max_tokens: 400, ...withUsage() }, ignore: SHORTENED },
  {
    file: 'stream-logprobs.sse',
    body: { max_tokens: 4, logprobs: true, top_logprobs: 0, ...withUsage() },
    ignore: TOKENS,
  },
  {
    file: 'stream-logprobs-stop.sse',
    body: { max_tokens: 300, logprobs: true, top_logprobs: 0, ...withUsage() },
    ignore: SHORTENED,
  },
  // Its server also said `prompt_tokens_details`, as a flag told it to.
  { file: 'stream-repetition.sse', body: withUsage(), ignore: [...SHORTENED, /,"prompt_tokens_details":\{.*?\}\}/g] },
]

/** Recordings of what happens in the middle of an answer; each has a test of its own. */
const inTheMiddle = [
  'stream-abort.sse',
  'stream-abort-waiting.sse',
  'plain-abort.json',
  'is-sleeping.json',
  'stream-engine-killed.sse',
  'plain-engine-killed.json',
  'stream-request-id.sse',
]
const lists = ['tokens-lightonocr.txt', 'tokens-hunyuanocr.txt', 'metric-names.txt', 'content-types.txt', 'README.md']

function withUsage() {
  return { stream: true, stream_options: { include_usage: true } }
}

/** Pictures that are counted before they are looked at. */
function pictures(count: number) {
  return Array.from({ length: count }, () => imagePart({ url: 'data:image/png;base64,AAAA' }))
}

async function pictureUrl([width, height]: readonly [number, number] = [300, 200]): Promise<string> {
  const png = await sharp({ create: { width, height, channels: 3, background: '#fff' } })
    .png()
    .toBuffer()
  return `data:image/png;base64,${png.toString('base64')}`
}

async function ask(fake: FakeVllm, asked: Omit<Asked, 'file'>): Promise<Response> {
  const { method = 'POST', path = '/v1/chat/completions', body = {}, contentType = 'application/json' } = asked
  const url = new URL(path, fake.url)
  if (method === 'GET') return fetch(url)
  const chat = async () => ({ model: MODEL, messages: image(await pictureUrl(asked.size)), ...(body as object) })
  const text = typeof body === 'string' ? body : JSON.stringify(await chat())
  return fetch(url, { method, headers: { 'content-type': contentType }, body: text })
}

const chunkSchema = z.object({
  choices: z.array(
    z.object({
      delta: z.object({ content: z.string() }),
      logprobs: z.object({ content: z.array(z.object({ logprob: z.number() })) }).nullable(),
    }),
  ),
})

/** What the fake must be told so that it says the words of a recording. */
function scriptOf(file: string): Answer {
  // One token more than the request allows, where that is why the recording ended.
  const isCut = recorded(file).includes('"finish_reason":"length"')
  if (file.endsWith('.json')) {
    const whole = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })) })
    const { success, data } = whole.safeParse(JSON.parse(recorded(file)))
    const text = success ? (data.choices[0]?.message.content ?? '') : ''
    return { text: isCut ? `${text} more` : text }
  }
  const choices = eventsOf(recorded(file))
    .filter((event) => event.startsWith('data: {"id"'))
    .flatMap((event) => chunkSchema.parse(JSON.parse(event.slice('data: '.length))).choices)
  const tokens = choices.filter(({ delta }) => delta.content !== '')
  const logprobs = choices.flatMap((choice) => choice.logprobs?.content.map(({ logprob }) => logprob) ?? [])
  const deltas = tokens.map(({ delta }) => delta.content)
  if (file === 'stream-repetition.sse') return { deltas, finishReason: 'repetition' }
  return { deltas: isCut ? [...deltas, ' more'] : deltas, logprobs }
}

/** What is different in every answer, and what is ignored in this one. */
function comparable(text: string, ignore: readonly RegExp[] = []): string {
  return [/(?<="id":"\w+-)[0-9a-f]{16}(?=")/g, /(?<="created":)\d+/g, /(?<="vllm-[\d.]+-)[0-9a-f]{8}(?=")/g, ...ignore]
    .reduce((rest, pattern) => rest.replaceAll(pattern, ''), text)
    .trim()
}

const eventsOf = (text: string): string[] => text.split('\n\n').filter((event) => event.trim() !== '')

describe('the fake vLLM and the recordings of a real one', () => {
  for (const asked of [...plain, ...refused, ...streamed]) {
    it(`say the same: ${asked.file}`, async () => {
      await using fake = await startFakeVllm({ answer: () => scriptOf(asked.file), ...asked.fake })
      const response = await ask(fake, asked)
      const text = await within(response.text(), DEADLINE, 'the answer')
      assert.equal(comparable(text, asked.ignore), comparable(recorded(asked.file), asked.ignore))
      assert.equal(response.status, asked.status ?? 200)
      if (asked.file.endsWith('.sse')) assert.match(text, /\n\ndata: \[DONE\]\n\n$/)
    })
  }

  it('call an answer by the name that the client gave its request', async () => {
    await using fake = await startFakeVllm({ answer: () => scriptOf('stream-request-id.sse') })
    const body = JSON.stringify({ model: MODEL, messages: image(await pictureUrl()), max_tokens: 1, stream: true })
    const headers = { 'content-type': 'application/json', 'x-request-id': 'req-1' }
    const response = await fetch(`${fake.url}/chat/completions`, { method: 'POST', headers, body })
    assert.equal(comparable(await response.text()), comparable(recorded('stream-request-id.sse')))
  })

  for (const { file, deltas, firstDelayMs, isBegun, body } of [
    { file: 'stream-abort.sse', deltas: ['line1', ' order1'], firstDelayMs: 0, isBegun: true, body: withUsage() },
    { file: 'stream-abort-waiting.sse', deltas: ['line1'], firstDelayMs: 60_000, isBegun: false, body: withUsage() },
    { file: 'plain-abort.json', deltas: ['line1'], firstDelayMs: 60_000, isBegun: false, body: {} },
  ]) {
    it(`end in the same way when the engine is put to sleep: ${file}`, async () => {
      const script = { deltas, firstDelayMs, delayMs: 60_000 }
      await using fake = await startFakeVllm({ devMode: true, version: versionOf(file), answer: () => script })
      const answer = ask(fake, { body })
      if (isBegun) await answer
      await eventually(() => fake.requests[0]?.image != null, DEADLINE, 'the request has come')
      await new Promise((resolve) => setTimeout(resolve, 50))
      await fetch(new URL('/sleep?mode=abort', fake.url), { method: 'POST' })
      const text = await within(
        answer.then((response) => response.text()),
        DEADLINE,
        'the end',
      )
      assert.equal(comparable(text, TOKENS), comparable(recorded(file), TOKENS))
      const asleep = await fetch(new URL('/is_sleeping', fake.url))
      assert.equal(await asleep.text(), recorded('is-sleeping.json').trim())
    })
  }

  it('end in the same way when the engine dies', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ deltas: [' note24\n'], ending: 'error' }) })
    const stream = await (await ask(fake, { body: withUsage() })).text()
    const killed = eventsOf(comparable(recorded('stream-engine-killed.sse')))
    assert.deepEqual(eventsOf(comparable(stream)).slice(-killed.length), killed)
    const whole = await ask(fake, {})
    assert.deepEqual([whole.status, await whole.text()], [500, recorded('plain-engine-killed.json').trim()])
  })

  it('name the type of what they say alike', async () => {
    await using fake = await startFakeVllm()
    const chat = '/v1/chat/completions'
    const asks: Record<string, Omit<Asked, 'file'>> = {
      [`POST ${chat}, streamed`]: { body: { stream: true } },
      [`POST ${chat}, whole`]: {},
      [`POST ${chat}, refused`]: { body: { model: 'x' } },
    }
    for (const line of recorded('content-types.txt').trim().split('\n')) {
      const [, name = '', type = ''] = /^(.+?): ?(.*)$/.exec(line) ?? []
      const response = await ask(fake, asks[name] ?? { method: 'GET', path: name.slice('GET '.length) })
      await response.text()
      assert.equal(response.headers.get('content-type') ?? '', type, name)
    }
  })

  it('have the same metrics, of which the fake has a few', async () => {
    await using fake = await startFakeVllm()
    const names = new Set(recorded('metric-names.txt').trim().split('\n'))
    const text = await (await ask(fake, { method: 'GET', path: '/metrics' })).text()
    const said = [...text.matchAll(/^(vllm:\w+)\{/gm)].map(([, name = '']) => name)
    assert.ok(said.length >= 3)
    assert.deepEqual(
      said.filter((name) => !names.has(name)),
      [],
    )
  })

  for (const { file, model, marks } of [
    { file: 'tokens-lightonocr.txt', model: MODEL, marks: 0 },
    // The chat template writes one before the image, and one behind it.
    { file: 'tokens-hunyuanocr.txt', model: HUNYUAN, marks: 2 },
  ]) {
    it(`count the tokens of an image alike: ${file}`, async () => {
      await using fake = await startFakeVllm({ models: [model] })
      const bare = await promptTokensOf(fake, model)
      for (const [width, height, , tokens] of rowsOf(file))
        assert.equal(
          (await promptTokensOf(fake, model, [width, height])) - bare,
          tokens - marks,
          `${width} × ${height}`,
        )
    })

    it(`are counted as the profile counts, for the sizes that it sends: ${file}`, () => {
      const { pixelBudget, imageTokens } = chooseProfile({ id: model, root: model, parent: null }, new Map()) ?? none()
      const { longestEdge = Infinity, maxPixels } = pixelBudget
      for (const [width, height, , tokens] of rowsOf(file))
        if (Math.max(width, height) <= longestEdge && width * height <= maxPixels)
          assert.equal(imageTokens({ width, height }), tokens - marks, `${width} × ${height}`)
    })
  }

  it('are all compared', () => {
    const known = [...plain, ...refused, ...streamed].map(({ file }) => file)
    assert.deepEqual(readdirSync(folder).toSorted(), [...known, ...inTheMiddle, ...lists].toSorted())
  })
})

function none(): never {
  throw new Error('the model has no profile')
}

const versionOf = (file: string): string => /"vllm-([\d.]+)-/.exec(recorded(file))?.[1] ?? ''

async function promptTokensOf(fake: FakeVllm, model: string, size?: readonly [number, number]): Promise<number> {
  const body = { model, max_tokens: 1, ...(size === undefined ? { messages: user({ type: 'text', text: '' }) } : {}) }
  const response = await ask(fake, { body, ...(size === undefined ? {} : { size }) })
  const { usage } = z.object({ usage: z.object({ prompt_tokens: z.number() }) }).parse(await response.json())
  return usage.prompt_tokens
}

function rowsOf(file: string): (readonly [number, number, number, number])[] {
  const numbers = recorded(file)
    .split('\n')
    .filter((line) => /^\d/.test(line))
    .map((line) => line.split(' ').map(Number))
  return numbers.map(([width = 0, height = 0, prompt = 0, tokens = 0]) => [width, height, prompt, tokens])
}
