import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { createEventStreamDecoder } from '../../../../gateway/engine/vllm/event-stream-decoder.ts'
import { GatewayError } from '../../../../gateway/errors.ts'

const encoder = new TextEncoder()

function batchesOf(...parts: readonly (string | Uint8Array)[]): readonly (readonly unknown[])[] {
  const decoder = createEventStreamDecoder()
  return parts.map((part) => decoder.feed(typeof part === 'string' ? encoder.encode(part) : part))
}

const decode = (...parts: readonly (string | Uint8Array)[]): unknown[] => batchesOf(...parts).flat()

describe('an event stream', () => {
  const rows: readonly { name: string; parts: readonly string[]; events: readonly unknown[] }[] = [
    { name: 'one event', parts: ['data: {"a":1}\n\n'], events: [{ a: 1 }] },
    { name: 'an event cut anywhere', parts: ['da', 'ta: {"a"', ':1}', '\n', '\n'], events: [{ a: 1 }] },
    { name: 'CRLF, cut between CR and LF', parts: ['data: 1\r', '\n\r', '\ndata: 2\r\n\r\n'], events: [1, 2] },
    { name: 'no space after the colon', parts: ['data:1\n\n'], events: [1] },
    { name: 'comments and other fields', parts: [': ping\n\nevent: x\nid: 7\ndata: 1\n\n: ping\n\n'], events: [1] },
    { name: 'data over several lines', parts: ['data: {"a":\ndata: 1}\n\n'], events: [{ a: 1 }] },
    { name: 'a byte order mark', parts: ['\uFEFFdata: 1\n\n'], events: [1] },
    { name: 'nothing after [DONE]', parts: ['data: 1\n\ndata: [DONE]\n\ndata: 2\n\n'], events: [1] },
    { name: 'no event without its blank line', parts: ['data: 1\n\ndata: 2\n'], events: [1] },
    {
      name: 'an error event as any other',
      parts: ['data: {"error":{"code":500}}\n\n'],
      events: [{ error: { code: 500 } }],
    },
    { name: 'nothing at all', parts: [], events: [] },
  ]
  for (const { name, parts, events } of rows) {
    it(`is read: ${name}`, () => {
      assert.deepEqual(decode(...parts), events)
    })
  }

  it('keeps characters whole wherever their bytes are cut', () => {
    const bytes = encoder.encode('data: "提取图中的文字 😀 é"\n\n')
    for (let cut = 1; cut < bytes.length; cut += 1) {
      assert.deepEqual(decode(bytes.subarray(0, cut), bytes.subarray(cut)), ['提取图中的文字 😀 é'])
    }
  })

  it('gives the events of one read together', () => {
    assert.deepEqual(batchesOf('data: 1\n\ndata: 2\n\nda', 'ta: 3\n\n'), [[1, 2], [3]])
  })

  it('is read no further than [DONE]', () => {
    assert.deepEqual(batchesOf('data: 1\n\ndata: [DONE]\n\ndata: 2\n\n', 'data: 3\n\n'), [[1], []])
  })

  it('refuses an event that is not JSON, and tells its place and its length, not its text', () => {
    const secret = 'Patient Jane Doe, C50.9'
    assert.throws(
      () => decode(`data: 1\n\ndata: {"content":"${secret}\n\n`),
      (error) => {
        assert.ok(error instanceof GatewayError)
        assert.deepEqual([error.code, error.retry], ['engine_error', true])
        const shown = inspect(error, { depth: 10, showHidden: true })
        assert.match(shown, /event 2, of 35 characters/)
        assert.doesNotMatch(shown, /Jane/)
        return true
      },
    )
  })

  it('tells whether it has come to [DONE]', () => {
    for (const [body, isDone] of [
      ['data: 1\n\ndata: [DONE]\n\n', true],
      ['data: 1\n\n', false],
    ] as const) {
      const decoder = createEventStreamDecoder()
      decoder.feed(encoder.encode(body))
      assert.equal(decoder.isDone, isDone)
    }
  })

  it('refuses an event without end before it fills the memory', () => {
    const decoder = createEventStreamDecoder()
    let read = 0
    const readOn = () => {
      decoder.feed(encoder.encode('data: "'))
      for (; read < 100; read++) decoder.feed(encoder.encode('x'.repeat(65_536)))
    }
    assert.throws(readOn, (error) => error instanceof GatewayError && error.code === 'engine_error')
    assert.ok(read <= 17, `${read} reads of 64 KiB`)
  })
})
