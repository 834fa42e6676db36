import assert from 'node:assert/strict'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import OpenAI from 'openai'
import { CommandError, printable } from '../../../gateway/cli/say.ts'
import { createPatience } from '../../../gateway/cli/patience.ts'
import { createProgress, type Outcome } from '../../../gateway/cli/progress.ts'
import { readAll, type Run } from '../../../gateway/cli/run.ts'
import type { Sink } from '../../../gateway/cli/sink.ts'
import { widthOf, wrapped } from '../../../gateway/cli/width.ts'
import { useFolder } from '../../support/use-folder.ts'

const page = { page: 1, status: 'ok', start: 0, end: 4 }
const ocr = { document: { sha256: 'aa', media_type: 'application/pdf', pages: 1 }, task: 'document', pages: [page] }

/** Answers like a gateway: each call takes the next of these, the last one again and again. */
function clientOf(...answers: readonly (() => Response)[]) {
  let calls = 0
  const client = new OpenAI({
    baseURL: 'http://gateway/v1',
    apiKey: 'none',
    maxRetries: 0,
    fetch: async () => (answers[Math.min(calls++, answers.length - 1)] ?? answers[0]!)(),
  })
  return { client, calls: () => calls }
}

const streamed = (...chunks: readonly object[]): Response =>
  new Response(chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join(''), {
    headers: { 'content-type': 'text/event-stream', 'x-ocr-pages': '1' },
  })
const good = (): Response =>
  streamed(
    { model: 'm', choices: [{ index: 0, delta: { content: 'text' } }], ocr: { page: 1 } },
    { model: 'm', choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 }, ocr },
  )
const broken = (): Response => streamed({ model: 'm', choices: [{ index: 0, delta: { content: 'te' } }] })
const refused = (status: number, code: string) => (): Response =>
  Response.json({ error: { message: `because of ${code}`, type: 'x', param: null, code } }, { status })
const failing = (): Response =>
  streamed({ error: { message: 'no engine', type: 'x', param: null, code: 'engine_error' } })

describe('reading documents', () => {
  const { path } = useFolder()
  writeFileSync(join(path, 'a.pdf'), 'bytes')
  const input = (name: string) => ({ name, place: name, source: { kind: 'file', path: join(path, name) } as const })

  async function read(client: OpenAI, names: readonly string[], parts: Partial<Run> = {}) {
    const outcomes: Outcome[] = []
    const written: string[] = []
    const sink: Sink = {
      turn: () => ({
        text() {},
        again() {},
        async write({ content }) {
          written.push(content)
          return null
        },
        end() {},
      }),
    }
    const never = new AbortController().signal
    const run = readAll({
      client,
      question: { model: 'default', ocr: {}, serviceTier: 'flex', hash: 'o' },
      inputs: names.map(input),
      sink,
      keeping: null,
      concurrency: 1,
      maxOutstandingPages: Infinity,
      progress: createProgress((outcome) => outcomes.push(outcome)),
      patience: createPatience(0.2, { away() {}, back() {} }),
      isOwn: false,
      stopping: never,
      cut: never,
      ...parts,
    })
    const error = await run.then(
      () => null,
      (thrown: unknown) => thrown,
    )
    return { error, written, kinds: outcomes.map(({ kind }) => kind), notes: outcomes.map(({ note }) => note) }
  }

  it('asks again when an answer breaks off, or is refused for a while', async () => {
    const { client, calls } = clientOf(broken, refused(429, 'queue_full'), failing, good)
    const { error, written, kinds } = await read(client, ['a.pdf'], {
      patience: createPatience(20, { away() {}, back() {} }),
    })
    assert.deepEqual([error, written, kinds, calls()], [null, ['text'], ['done'], 4])
  })

  it('gives a document up that fails three times, and goes on', async () => {
    const { client, calls } = clientOf(failing, failing, failing, good)
    const { written, kinds, notes } = await read(client, ['a.pdf', 'a.pdf'])
    assert.deepEqual([written, kinds, calls()], [['text'], ['failed', 'done'], 4])
    assert.equal(notes[0], 'engine_error: no engine')
  })

  it('sends a large file once, however often it is asked for, unless the gateway has lost it', async () => {
    writeFileSync(join(path, 'large.pdf'), 'bytes')
    truncateSync(join(path, 'large.pdf'), 5e6)
    const answers = [refused(429, 'queue_full'), failing, refused(404, 'file_not_found'), good]
    const calls: string[] = []
    const client = new OpenAI({
      baseURL: 'http://gateway/v1',
      apiKey: 'none',
      maxRetries: 0,
      async fetch(url, init) {
        const { pathname } = new URL(String(url instanceof Request ? url.url : url))
        if (!pathname.startsWith('/v1/files')) return answers.shift()?.() ?? good()
        calls.push(`${init?.method} ${pathname}`)
        return Response.json({ id: `file-${calls.length}` })
      },
    })
    const { kinds } = await read(client, ['large.pdf'], { patience: createPatience(20, { away() {}, back() {} }) })
    assert.deepEqual(kinds, ['done'])
    assert.deepEqual(calls, ['POST /v1/files', 'POST /v1/files', 'DELETE /v1/files/file-2'])
  })

  it('waits a while even where it is told to come back before it has left', async () => {
    const past = () => {
      const response = refused(429, 'queue_full')()
      response.headers.set('retry-after', '-3')
      return response
    }
    const { client, calls } = clientOf(past)
    await read(client, ['a.pdf'], { cut: AbortSignal.timeout(1500) })
    assert.ok(calls() <= 5, `${calls()} calls`)
  })

  it('leaves a document that waits for a gateway that is busy, or away, once it is stopped', async () => {
    for (const answer of [refused(429, 'queue_full'), refused(503, 'draining')]) {
      const { client, calls } = clientOf(answer)
      const patience = createPatience(20, { away() {}, back() {} })
      const { error, kinds } = await read(client, ['a.pdf', 'a.pdf'], { stopping: AbortSignal.timeout(100), patience })
      assert.deepEqual([error, kinds, calls()], [null, [], 1])
    }
  })

  it('says what is wrong with a file that is gone', async () => {
    const { client } = clientOf(good)
    const { notes } = await read(client, ['gone.pdf', 'a.pdf'])
    assert.deepEqual(notes, ['file_unreadable: cannot be read: it is not there (any more)', null])
  })

  const ends: readonly { name: string; answer: () => Response; code: number; says: RegExp }[] = [
    { name: 'a key that is not accepted', answer: refused(401, 'invalid_api_key'), code: 2, says: /OPENAI_API_KEY/ },
    { name: 'an unknown model', answer: refused(404, 'model_not_found'), code: 2, says: /model_not_found/ },
    {
      name: 'a gateway that is away for too long',
      answer: refused(503, 'draining'),
      code: 3,
      says: /Nothing could be read/,
    },
    { name: 'a proxy before no gateway', answer: () => new Response('<h1>Bad', { status: 502 }), code: 3, says: /502/ },
  ]
  for (const { name, answer, code, says } of ends)
    it(`ends at once, and once, for ${name}`, async () => {
      const { client } = clientOf(answer)
      const { error, kinds } = await read(client, ['a.pdf', 'a.pdf', 'a.pdf'])
      assert.ok(error instanceof CommandError)
      assert.equal(error.exitCode, code)
      assert.match(error.message, says)
      assert.deepEqual(kinds, [])
    })

  it('goes on when only the place of one text cannot be written', async () => {
    const { client } = clientOf(good)
    const inTheWay = Object.assign(new Error('EISDIR: illegal operation'), { code: 'EISDIR', syscall: 'rename' })
    const sink: Sink = { turn: () => ({ text() {}, again() {}, write: () => Promise.reject(inTheWay), end() {} }) }
    const { error, notes } = await read(client, ['a.pdf', 'a.pdf'], { sink })
    assert.equal(error, null)
    assert.deepEqual(notes, Array(2).fill('output_unwritable: its text cannot be written: it is a folder'))
  })

  it('ends when the disk is full: what comes next could not be kept either', async () => {
    const { client, calls } = clientOf(good)
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    })
    const sink: Sink = { turn: () => ({ text() {}, again() {}, write: () => Promise.reject(full), end() {} }) }
    const { error, kinds } = await read(client, ['a.pdf', 'a.pdf', 'a.pdf'], { sink })
    assert.ok(error instanceof CommandError)
    assert.equal(error.exitCode, 1)
    assert.match(error.message, /cannot be written: the disk is full\. Make room/)
    assert.deepEqual([kinds, calls()], [[], 1])
  })

  it('begins nothing more once it is stopped, and leaves what runs when it is cut', async () => {
    const { client, calls } = clientOf(good)
    const { error, kinds } = await read(client, ['a.pdf'], { stopping: AbortSignal.abort() })
    assert.deepEqual([error, kinds, calls()], [null, [], 0])
    const cut = AbortSignal.timeout(100)
    const hanging = new OpenAI({
      baseURL: 'http://gateway/v1',
      apiKey: 'none',
      fetch: (_, init) =>
        new Promise((_resolve, reject) =>
          init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error)),
        ),
    })
    assert.deepEqual((await read(hanging, ['a.pdf', 'a.pdf'], { cut, stopping: cut })).kinds, [])
  })
})

describe('names on a terminal', () => {
  it('do nothing to it', () => {
    assert.equal(printable('a\u001b[2J\nb\u202egpj.\u0007'), String.raw`a\u{1b}[2J\nb\u{202e}gpj.\u{7}`)
    assert.equal(printable('報告書 👩‍👩‍👧 é'), '報告書 👩‍👩‍👧 é')
  })

  for (const [text, width] of [
    ['abc', 3],
    ['東京', 4],
    ['é', 1],
    ['👩‍👩‍👧', 2],
    ['ｱ', 1],
    ['한글', 4],
    ['', 0],
  ] as const)
    it(`take their columns: ${JSON.stringify(text)} ${width}`, () => assert.equal(widthOf(text), width))

  it('are broken at spaces, and anywhere where there are none', () => {
    assert.deepEqual(wrapped('one two three', 8), ['one two', 'three'])
    assert.deepEqual(wrapped('東京東京', 5), ['東京', '東京'])
  })
})
