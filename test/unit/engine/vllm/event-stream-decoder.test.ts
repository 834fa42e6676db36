import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { decodeEventStream } from '../../../../gateway/engine/vllm/event-stream-decoder.ts'
import { GatewayError } from '../../../../gateway/errors.ts'

const encoder = new TextEncoder()

async function* reads(...parts: readonly (string | Uint8Array)[]) {
  for (const part of parts) yield typeof part === 'string' ? encoder.encode(part) : part
}

async function decode(...parts: readonly (string | Uint8Array)[]): Promise<unknown[]> {
  const batches = await Array.fromAsync(decodeEventStream(reads(...parts)))
  return batches.flat()
}

describe('decodeEventStream', () => {
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
    it(`reads ${name}`, async () => {
      assert.deepEqual(await decode(...parts), events)
    })
  }

  it('keeps characters whole wherever their bytes are cut', async () => {
    const bytes = encoder.encode('data: "提取图中的文字 😀 é"\n\n')
    for (let cut = 1; cut < bytes.length; cut += 1) {
      assert.deepEqual(await decode(bytes.subarray(0, cut), bytes.subarray(cut)), ['提取图中的文字 😀 é'])
    }
  })

  it('yields the events of one read together', async () => {
    const batches = await Array.fromAsync(decodeEventStream(reads('data: 1\n\ndata: 2\n\nda', 'ta: 3\n\n')))
    assert.deepEqual(batches, [[1, 2], [3]])
  })

  it('reads no further than [DONE]', async () => {
    let read = 0
    async function* endless() {
      for (;;) {
        read += 1
        yield encoder.encode('data: 1\n\ndata: [DONE]\n\n')
      }
    }
    assert.deepEqual(await Array.fromAsync(decodeEventStream(endless())), [[1]])
    assert.equal(read, 1)
  })

  it('refuses an event that is not JSON, and tells its place and its length, not its text', async () => {
    const secret = 'Patient Jane Doe, C50.9'
    const error: unknown = await decode(`data: 1\n\ndata: {"content":"${secret}\n\n`).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof GatewayError)
    assert.deepEqual([error.code, error.retry], ['engine_error', true])
    const shown = inspect(error, { depth: 10, showHidden: true })
    assert.match(shown, /event 2, of 35 characters/)
    assert.doesNotMatch(shown, /Jane/)
  })

  it('tells whether it has come to [DONE]', async () => {
    for (const [body, expected] of [
      ['data: 1\n\ndata: [DONE]\n\n', 1],
      ['data: 1\n\n', 0],
    ] as const) {
      let done = 0
      await Array.fromAsync(decodeEventStream(reads(body), { onDone: () => (done += 1) }))
      assert.equal(done, expected)
    }
  })

  it('refuses an event without end before it fills the memory', async () => {
    let read = 0
    async function* endless() {
      yield encoder.encode('data: "')
      for (;;) {
        read += 1
        yield encoder.encode('x'.repeat(65_536))
      }
    }
    await assert.rejects(
      Array.fromAsync(decodeEventStream(endless())),
      (error) => error instanceof GatewayError && error.code === 'engine_error',
    )
    assert.ok(read <= 17, `${read} reads of 64 KiB`)
  })
})
