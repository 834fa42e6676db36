import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openDocument, type Document } from '../../../gateway/document/open.ts'
import type { Rasterizer } from '../../../gateway/rasterizer/pool.ts'
import { makeSource } from '../../support/make-source.ts'
import { someone } from '../../support/turn.ts'

const never = new AbortController().signal

describe('a source of inline bytes', () => {
  it('gives its bytes once', async () => {
    const bytes = Buffer.from('%PDF-1.7')
    const source = makeSource(bytes)
    assert.equal(await source.open(never), bytes)
    await assert.rejects(source.open(never), /the\.field was opened before/)
  })

  it('holds no bytes once its document is closed', async () => {
    let bytes: Buffer | null = Buffer.from('%PDF-1.7'.padEnd(100_000))
    const watched = new WeakRef(bytes.buffer)
    const source = makeSource(bytes)
    bytes = null
    const limits = { maxDocumentBytes: 1e6, turn: someone }
    await readAndClose(() => openDocument(source, rasterizerOf(3), limits, never))
    await collectGarbage()
    assert.equal(watched.deref(), undefined)
    assert.equal(source.param, 'the.field')
  })
})

async function readAndClose(open: () => Promise<Document>): Promise<void> {
  await using document = await open()
  assert.equal(document.pageCount, 3)
}

function rasterizerOf(pageCount: number): Rasterizer {
  return {
    open: async () => ({ sha256: '', pageCount }),
    rasterize: () => Promise.reject(new Error('no page is drawn')),
    forget: () => {},
    load: () => ({ drawers: 0, busy: 0, waiting: 0, bytes: 0 }),
    close: async () => {},
  }
}

/** Collects what nobody holds: no test can see otherwise that a thing is not held. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // What a WeakRef was made of is held until the event loop goes round.
  await setImmediate()
  collect()
}
