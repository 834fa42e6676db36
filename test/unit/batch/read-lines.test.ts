import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readLines } from '../../../gateway/batch/read-lines.ts'
import { seededRandom } from '../../support/seeded-random.ts'

async function read(text: Buffer, pieceBytes: number) {
  const pieces = async function* () {
    for (let at = 0; at < text.length; at += pieceBytes) yield text.subarray(at, at + pieceBytes)
  }
  const lines = []
  for await (const line of readLines(pieces())) lines.push(line)
  return lines
}

describe('the lines of an input', () => {
  it('are found by their places, whatever ends them, and however they arrive', async () => {
    const text = Buffer.from('\uFEFF{"a":1}\r\n\n  \n{"b":"é\\"\\\\"}\n[2]')
    for (const pieceBytes of [1, 2, 3, 7, 1000]) {
      const lines = await read(text, Math.max(pieceBytes, 3))
      assert.deepEqual(
        lines.map(({ number, offset, length, digest }) => [
          number,
          text.toString('utf8', offset, offset + length).trim(),
          digest?.toString().trim(),
        ]),
        [
          [1, '{"a":1}', '{"a":1}'],
          [4, '{"b":"é\\"\\\\"}', '{"b":"é\\"\\\\"}'],
          [5, '[2]', '[2]'],
        ],
      )
    }
  })

  it('have their long strings cut so that they are valid JSON still, wherever pieces end', async () => {
    const random = seededRandom(7)
    for (let round = 0; round < 200; round++) {
      const filler = Array.from({ length: random.integer(0, 3000) }, () =>
        random.pick(['x', 'é', '€', '😀', '"', '\\', '\n', '\u0001', 'abcdefgh']),
      ).join('')
      const value = { head: filler, id: `id ${round}`, list: [filler, 1, { tail: filler }], end: true }
      const [line] = await read(Buffer.from(`${JSON.stringify(value)}\n`), random.integer(50, 9000))
      const cut = JSON.parse(line?.digest?.toString() ?? '') as typeof value
      assert.equal(cut.id, value.id)
      assert.equal(cut.end, true)
      assert.ok(filler.startsWith(cut.head) && filler.startsWith((cut.list[2] as { tail: string }).tail))
      assert.ok(cut.head.length === filler.length || Buffer.byteLength(JSON.stringify(cut.head)) >= 4096 - 20)
    }
  })

  it('of which one is long are not held', async () => {
    const long = `{"id":"a","text":"${'x'.repeat(3_000_000)}","end":1}`
    const [line] = await read(Buffer.from(long), 65_536)
    assert.equal(line?.length, long.length)
    assert.ok((line.digest?.length ?? Infinity) < 10_000)
    assert.equal((JSON.parse(line.digest?.toString() ?? '') as { end: number }).end, 1)
  })
})
