import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openDocument } from '../../gateway/document/open.ts'
import { createRasterizer } from '../../gateway/rasterizer/pool.ts'
import { bombs } from '../fixtures/bombs.ts'
import { imageDamage } from '../fixtures/image-damage.ts'
import { images } from '../fixtures/images.ts'
import { damage } from '../fixtures/pdf-damage.ts'
import { features } from '../fixtures/pdf-features.ts'
import { geometry } from '../fixtures/pdf-geometry.ts'
import { describeOutcomes } from '../support/document-outcomes.ts'
import { makePdf } from '../support/make-pdf.ts'
import { makeSource } from '../support/make-source.ts'
import { someone } from '../support/turn.ts'

describeOutcomes('images', images)
describeOutcomes('damaged images', imageDamage)
describeOutcomes('PDFs by what is on their pages', features)
describeOutcomes('PDFs by the shape of their pages', geometry)
describeOutcomes('PDFs by how they are written, damaged or encrypted', damage)
describeOutcomes('documents that are built to exhaust', bombs)

it('a document beyond the most bytes is refused before anyone looks inside', async () => {
  const rasterizer = createRasterizer({
    threads: 1,
    pageTimeoutSeconds: 30,
    openTimeoutSeconds: 30,
    maxImagePixels: 1e8,
  })
  const bytes = makePdf([{ number: 1 }])
  const source = makeSource(bytes)
  const maxDocumentBytes = bytes.length - 1
  try {
    const opened = openDocument(source, rasterizer, { maxDocumentBytes, turn: someone }, new AbortController().signal)
    await assert.rejects(opened, {
      code: 'document_too_large',
      param: 'the.field',
      message: new RegExp(`has ${bytes.length} bytes; at most ${maxDocumentBytes}`),
    })
  } finally {
    await rasterizer.close()
  }
})
