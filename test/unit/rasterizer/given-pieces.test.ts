import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { isInPieces, readPiece } from '../../../gateway/rasterizer/given-pieces.ts'
import { decodeRequest, encodeRequest } from '../../../gateway/rasterizer/piece-request.ts'

const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 253)
const document = { id: randomUUID(), bytes, mediaType: 'application/pdf', password: null } as const
const asked = { documentId: document.id, position: 1000, size: 20 }

describe('a piece of a document', () => {
  it('is what stands at its place', async () => {
    const request = decodeRequest(Buffer.from(encodeRequest(asked)))
    assert.deepEqual(request, asked)
    assert.deepEqual(await readPiece(document, request), bytes.subarray(1000, 1020))
  })

  for (const [name, request] of Object.entries({
    'of another document': { documentId: randomUUID() },
    'beyond its end': { position: 299_990 },
    'before its beginning': { position: -1 },
    'between two bytes': { position: 0.5 },
    nowhere: { position: NaN },
    'that is empty': { size: 0 },
    'of less than nothing': { size: -20 },
    'that is too large': { position: 0, size: 299_999 },
  }))
    it(`is not given: ${name}`, () => assert.rejects(readPiece(document, { ...asked, ...request })))

  it('is asked for where a PDF is large, and only there', () => {
    const large = { ...document, bytes: new Uint8Array(2 ** 23) }
    assert.ok(isInPieces(large))
    assert.ok(!isInPieces(document))
    assert.ok(!isInPieces({ ...large, mediaType: 'image/tiff' }))
  })
})
