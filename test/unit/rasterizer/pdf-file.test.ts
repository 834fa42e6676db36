import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type DocumentBytes, wholeBytes } from '../../../gateway/rasterizer/document-bytes.ts'
import { openFile } from '../../../gateway/rasterizer/pdf-file.ts'
import { pdfStream, writePdf } from '../../support/write-pdf.ts'

/** Bytes that are at hand in pieces of such a size. */
function inPieces(bytes: Uint8Array, size: number): DocumentBytes {
  return {
    ...wholeBytes(bytes),
    from: (position) => bytes.slice(position, position + size - (position % size)),
    *parts(overlap) {
      for (let [at, end] = [0, 0]; end < bytes.length; at = end - overlap) {
        end = Math.min(bytes.length, end + size)
        yield { at, content: bytes.slice(at, end) }
      }
    },
  }
}

const noise = Uint8Array.from({ length: 9000 }, (_, index) => (index * index * 31 + index * 7) % 251)
const bytes = writePdf(
  [
    '<< /Type /Catalog /OCProperties << /D << /OFF [5 0 R] >> >> >>',
    ...Array.from({ length: 40 }, (_, index) =>
      pdfStream(noise.subarray(0, 11 * index * (index % 5)), `/Index ${index}`),
    ),
    '<< /UserUnit 2 >>',
    pdfStream(noise),
    '<< /Type /ObjStm >>',
  ],
  { trailer: '/Encrypt 3 0 R ' },
)
const whole = openFile(wholeBytes(bytes))

describe('a PDF in pieces', () => {
  it('has the outline of the whole one, wherever its pieces end', () => {
    const expected = whole.outline()
    assert.equal(expected.starts.length, 41)
    assert.equal(expected.ends.length, 41)
    assert.partialDeepStrictEqual(expected, { hasUnits: true, isEncrypted: true, hasObjectStreams: true, mayHideLayer: true }) // prettier-ignore
    for (let size = 100; size < 400; size++) assert.deepEqual(openFile(inPieces(bytes, size)).outline(), expected)
  })

  it('has its objects and words where the whole one has them', () => {
    for (let size = 100; size < 300; size++) {
      const file = openFile(inPieces(bytes, size))
      for (let number = 0; number < 48; number++) {
        assert.equal(file.placeOfObject(number), whole.placeOfObject(number))
      }
      assert.deepEqual([...file.placesOf('/Index 1')], [...whole.placesOf('/Index 1')])
      assert.equal(file.text(50, 1050), whole.text(50, 1050))
    }
    assert.equal(whole.text(whole.placeOfObject(12)!, whole.placeOfObject(12)! + 8), '12 0 obj')
  })

  it('is handed over byte by byte once, with its outline', () => {
    const file = openFile(inPieces(bytes, 1000))
    const received: Buffer[] = []
    file.readThrough((content) => received.push(Buffer.from(content)))
    assert.ok(Buffer.concat(received).equals(bytes))
    assert.deepEqual(file.outline(), whole.outline())
  })

  it('tells content from other content of the same length', () => {
    const start = whole.outline().starts.at(-1)!
    for (const file of [whole, openFile(inPieces(bytes, 1000))]) {
      assert.ok(file.isAt(start, noise))
      for (const place of [0, 700, 4096, 8999]) {
        const other = noise.slice()
        other[place] = (noise[place] ?? 0) + 1
        assert.ok(!file.isAt(start, other), String(place))
      }
      assert.ok(!file.isAt(bytes.length - 10, noise))
    }
  })
})
