import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Crew } from '../../gateway/rasterizer/crew.ts'
import type { Task } from '../../gateway/rasterizer/messages.ts'
import { maskedImagePdf } from '../fixtures/masked-image.ts'
import { eventually, within } from '../support/within.ts'

const MEBIBYTE = 2 ** 20
const seconds = 1000

describe('the drawers of a pool', { timeout: 120 * seconds }, () => {
  it('take a large task where little is held, and a slow one where more is', async () => {
    await using crew = open()
    crew.prepare({ quick: 0, others: 1, light: 1 }, 0)
    await eventually(() => crew.hasReady('large', 0), 30 * seconds, 'a drawer')
    const drawer = crew.take('a', 'large')
    assert.equal(drawer.holdsLittle, true)
    const assignment = { task: pageOfAnImage(7000), maxBytes: 400 * MEBIBYTE, onGrowth() {}, onSlow() {} }
    await within(drawer.run(assignment), 60 * seconds, 'the page')
    assert.deepEqual([drawer.heldLittle, drawer.holdsLittle], [true, false], `${drawer.heldBytes / MEBIBYTE} MB`)
    crew.putBack(drawer)
    assert.deepEqual([crew.hasReady('slow', 0), crew.hasReady('large', 0)], [true, false])
    crew.prepare({ quick: 0, others: 1, light: 0 }, 0)
    assert.equal(crew.size, 1)
    crew.prepare({ quick: 0, others: 1, light: 1 }, 0)
    crew.prepare({ quick: 0, others: 1, light: 1 }, 0)
    assert.equal(crew.size, 2)
    await eventually(() => crew.hasReady('large', 0), 30 * seconds, 'a second drawer')
    assert.notEqual(crew.take('a', 'large'), drawer)
    assert.equal(crew.take('b', 'slow'), drawer)
  })
})

function open(): Crew & AsyncDisposable {
  const settings = {
    pdfRasterizer: 'auto',
    maxImagePixels: 1e9,
    maxMemoryBytes: 576 * MEBIBYTE,
    maxFileBytes: 1e8,
  } as const
  const onFailure = (cause: unknown) => assert.fail(String(cause))
  const crew = new Crew({ settings, most: 2, recycleAfterPages: 500, onReady() {}, onFailure })
  return Object.assign(crew, { [Symbol.asyncDispose]: () => crew.close() })
}

function pageOfAnImage(edge: number): Task {
  const document = { id: 'a', bytes: maskedImagePdf(edge), mediaType: 'application/pdf', password: null } as const
  const rasterization = { pixelBudget: { longestEdge: 600, maxPixels: 360_000 }, mediaType: 'image/png' } as const
  return { type: 'rasterize', document, page: 1, object: null, rasterization }
}
