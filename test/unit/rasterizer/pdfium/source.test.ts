import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateSync } from 'node:zlib'
import { makeScan } from '../../../fixtures/scan-pdf.ts'
import { drawBy } from '../../../support/scan-lane.ts'

describe('the image that a page was scanned to', () => {
  it('is one that covers the page', async () => {
    const { source } = await drawBy('auto', pictured(80), { longestEdge: 300 })
    assert.deepEqual([source?.width, source?.height], [80, 80])
  })

  it('is none where one pixel is stretched over the page: that is its colour', async () => {
    const { source } = await drawBy('auto', pictured(1), { longestEdge: 300 })
    assert.equal(source, null)
  })
})

/** A page that shows a gray square from edge to edge. */
function pictured(side: number): Uint8Array {
  const entries = '/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode'
  const data = deflateSync(new Uint8Array(side * side).fill(200))
  return makeScan([{ image: { data, width: side, height: side, entries } }])
}
