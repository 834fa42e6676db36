import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readEvents } from '../../../gateway/web/app/stream/events.ts'
import { ConnectionLost, problemOf, ProblemError } from '../../../gateway/web/app/stream/problem.ts'

const encoder = new TextEncoder()

/** A body that comes in these pieces, and then ends, or breaks. */
function bodyOf(pieces: readonly (string | Uint8Array<ArrayBuffer>)[], breaks = false) {
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece)
      if (breaks) controller.error(new TypeError('network error'))
      else controller.close()
    },
  })
}

const frame = (chunk: unknown): string => `data: ${JSON.stringify(chunk)}\n\n`
const text = (content: string, ocr?: object): string =>
  frame({ choices: [{ index: 0, delta: { content } }], ...(ocr === undefined ? {} : { ocr }) })
const ledger = { document: { sha256: 'aa', media_type: 'application/pdf', pages: 1 }, task: 'document', pages: [] }
const DONE = 'data: [DONE]\n\n'

describe('the stream of a reading', () => {
  it('is understood wherever it is cut, also within a letter', async () => {
    const preview = {
      page: 1,
      image: 'data:image/jpeg;base64,AA==',
      width: 10,
      height: 20,
      changes: [],
      text_layer: 'ü',
    }
    const bytes = encoder.encode(
      [
        frame({ choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] }),
        frame({ choices: [], ocr: { preview } }),
        ': a comment\n\n',
        text('Grüße\u2028 מים', { page: 1, line: { page: 1, status: 'ok' } }),
        text('\n\n---\n\n'),
        frame({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], ocr: ledger }),
        DONE,
      ].join(''),
    )
    for (const size of [1, 2, 7, bytes.length]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.slice(index * size, (index + 1) * size),
      )
      assert.deepEqual(await Array.fromAsync(readEvents(bodyOf(pieces))), [
        {
          type: 'preview',
          preview: { page: 1, image: preview.image, width: 10, height: 20, changes: [], textLayer: 'ü' },
        },
        { type: 'text', page: 1, text: 'Grüße\u2028 מים', line: { page: 1, status: 'ok' } },
        { type: 'text', page: null, text: '\n\n---\n\n', line: null },
        { type: 'ledger', ocr: ledger },
      ])
    }
  })

  it('says that a page without text was read', async () => {
    const events = await Array.fromAsync(readEvents(bodyOf([text('', { page: 2 }), DONE])))
    assert.deepEqual(events, [{ type: 'text', page: 2, text: '', line: null }])
  })

  it('passes over what a later gateway may add', async () => {
    const later = frame({ choices: [], ocr: { weather: 'fine' }, more: [1] })
    const odd = frame({ choices: 'none', ocr: { preview: { page: 'one' } } })
    assert.deepEqual(await Array.fromAsync(readEvents(bodyOf([later, odd, DONE]))), [])
  })

  const broken = [
    { name: 'ends early', pieces: [text('a', { page: 1 })], breaks: false },
    { name: 'ends within an event', pieces: [text('a', { page: 1 }), 'data: {"choi'], breaks: false },
    { name: 'breaks', pieces: [text('a', { page: 1 })], breaks: true },
    { name: 'holds something else', pieces: [text('a', { page: 1 }), 'data: <html>\n\n'], breaks: false },
    { name: 'holds no object', pieces: [text('a', { page: 1 }), 'data: 7\n\n'], breaks: false },
  ]
  for (const { name, pieces, breaks } of broken) {
    it(`is lost when it ${name}`, async () => {
      await assert.rejects(Array.fromAsync(readEvents(bodyOf(pieces, breaks))), ConnectionLost)
    })
  }

  it('gives what came before it is lost', async () => {
    const got: unknown[] = []
    await assert.rejects(async () => {
      for await (const event of readEvents(bodyOf([text('a', { page: 1 }), 'data: {']))) got.push(event)
    }, ConnectionLost)
    assert.equal(got.length, 1)
  })

  it('throws what the gateway says in the middle', async () => {
    const error = frame({ error: { message: 'No engine answers.', type: 'server_error', code: 'engine_unavailable' } })
    await assert.rejects(Array.fromAsync(readEvents(bodyOf([text('a', { page: 1 }), error, DONE]))), (thrown) => {
      assert.ok(thrown instanceof ProblemError)
      assert.deepEqual(thrown.problem, { status: null, code: 'engine_unavailable', message: 'No engine answers.' })
      return true
    })
  })
})

describe('why an answer is none', () => {
  it('is what the gateway says', async () => {
    const body = { error: { message: 'Too many pages.', code: 'too_many_pages', param: null } }
    assert.deepEqual(await problemOf(Response.json(body, { status: 400 })), {
      status: 400,
      code: 'too_many_pages',
      message: 'Too many pages.',
    })
  })

  it('is the status where something else answers', async () => {
    const problem = await problemOf(new Response('<h1>Bad Gateway</h1>', { status: 502 }))
    assert.deepEqual(problem, { status: 502, code: null, message: 'The server answered with status 502.' })
  })
})
