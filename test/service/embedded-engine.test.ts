import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import sharp from 'sharp'
import { openDocument } from '../../gateway/document/open.ts'
import { createRasterizer } from '../../gateway/rasterizer/pool.ts'
import { createEmbeddedEngine } from '../../gateway/engine/tesseract/engine.ts'
import type { EmbeddedEngine } from '../../gateway/engine/tesseract/engine.ts'
import type { Prompt } from '../../gateway/engine/engine.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { PageImage } from '../../gateway/page/page.ts'
import { tesseract } from '../../gateway/profile/models/tesseract.ts'
import { collect } from '../../gateway/read/collect.ts'
import type { EngineAnswer } from '../../gateway/read/page-answer.ts'
import { addNoise, drawChinese } from '../fixtures/printed-page.ts'
import { jpegImage, makeScan } from '../fixtures/scan-pdf.ts'
import { makePdf } from '../support/make-pdf.ts'
import { promptOf, servedModel } from '../support/page-prompt.ts'
import { within } from '../support/within.ts'
import { someone } from '../support/turn.ts'
import { makeSource } from '../support/make-source.ts'

const SECONDS = 1000
const never = new AbortController().signal

describe('the embedded engine', () => {
  let english: PageImage
  let chinese: PageImage
  let engine: EmbeddedEngine

  before(async () => {
    const lines = ['The pendulum must swing evenly.', '', '', 'Oil dries within five years.']
    english = await firstPage(makePdf([{ lines, fontSize: 14 }]))
    chinese = await firstPage(makeScan([{ image: await jpegImage(addNoise(drawChinese(), 6)) }]))
    engine = createEmbeddedEngine({ threads: 1 })
  })
  after(() => engine.close())

  it('reads an English page into Markdown and says how it did', async () => {
    const answer = await read(engine, promptFor(english))
    const { text, confidence, blocks = [], isPlain, ...facts } = answer
    assert.match(text, /^The pendulum must swing evenly\.\n\nOil dries within five years\.$/)
    assert.deepEqual(
      blocks.map(({ start, end: until }) => text.slice(start, until)),
      text.split('\n\n'),
    )
    assert.equal(isPlain, true)
    assert.ok(confidence !== null && confidence.lowest > 0.8 && confidence.mean <= 1, JSON.stringify(confidence))
    assert.deepEqual(facts, { finishReason: 'stop', usage: { promptTokens: 0, completionTokens: 0 } })
  })

  it('reads a Chinese page without being told that it is one', async () => {
    const { text } = await read(engine, promptFor(chinese))
    assert.match(text, /管理员打开小门/)
  })

  it('leaves no language data in the working directory', async () => {
    await read(engine, promptFor(chinese))
    assert.deepEqual(
      readdirSync('.').filter((name) => name.includes('traineddata')),
      [],
    )
  })

  it('gives a blank page no text and a good end', async () => {
    const white = sharp({ create: { width: 400, height: 600, channels: 3, background: '#fff' } })
    const data = new Uint8Array(await white.png().toBuffer())
    const image: PageImage = {
      data,
      mediaType: 'image/png',
      width: 400,
      height: 600,
      rasterizer: 'sharp',
      blank: false,
      warnings: [],
      textLayer: null,
    }
    const { text, finishReason } = await read(engine, promptFor(image))
    assert.deepEqual([text, finishReason], ['', 'stop'])
  })

  it('fails one page with engine_error when its thread dies, and reads the next', async () => {
    const broken: PageImage = { ...english, data: new Uint8Array([1, 2, 3]) }
    const failed = read(engine, promptFor(broken))
    const next = read(engine, promptFor(english))
    await assert.rejects(failed, (error) => error instanceof GatewayError && error.code === 'engine_error')
    assert.match((await next).text, /pendulum/)
  })

  it('ends at once when a page being read is aborted, and reads the next', async () => {
    const abort = new AbortController()
    const aborted = read(engine, promptFor(english), abort.signal)
    setImmediate(() => abort.abort(new Error('client gone')))
    await assert.rejects(within(aborted, 1 * SECONDS, 'the aborted page'), /client gone/)
    assert.match((await read(engine, promptFor(english))).text, /pendulum/)
  })

  it('lets a waiting page leave at once, and disturbs no other', async () => {
    const abort = new AbortController()
    const settled: string[] = []
    const running = read(engine, promptFor(english)).finally(() => settled.push('running'))
    const waiting = read(engine, promptFor(english), abort.signal).finally(() => settled.push('waiting'))
    setImmediate(() => abort.abort(new Error('client gone')))
    await assert.rejects(waiting, /client gone/)
    assert.match((await running).text, /pendulum/)
    assert.deepEqual(settled, ['waiting', 'running'])
  })

  it('says when it begins with a page, and not while the page waits', async () => {
    const taken: string[] = []
    const promptOfPage = async (name: string) => ({ ...(await promptFor(english)), onTaken: () => taken.push(name) })
    const abort = new AbortController()
    const running = read(engine, promptOfPage('running'))
    const waiting = read(engine, promptOfPage('waiting'), abort.signal)
    setImmediate(() => abort.abort(new Error('client gone')))
    await assert.rejects(waiting, /client gone/)
    await running
    assert.deepEqual(taken, ['running'])
  })

  it('fails pages on their way with draining when it is closed', async () => {
    const closing = createEmbeddedEngine({ threads: 1 })
    const pages = [read(closing, promptFor(english)), read(closing, promptFor(english))]
    const failures = Promise.allSettled(pages)
    // Both have to be with the engine.
    await new Promise(setImmediate)
    await within(closing.close(), 5 * SECONDS, 'closing')
    for (const outcome of await within(failures, 1 * SECONDS, 'the pages')) {
      assert.equal(outcome.status, 'rejected')
      assert.ok(outcome.reason instanceof GatewayError)
      assert.equal(outcome.reason.code, 'draining')
    }
  })
})

function promptFor(image: PageImage): Promise<Prompt> {
  const model = servedModel(tesseract, { id: 'tesseract', engine: 'tesseract' })
  return promptOf({ model, image })
}

async function read(
  engine: EmbeddedEngine,
  prompt: Promise<Prompt>,
  signal: AbortSignal = never,
): Promise<EngineAnswer> {
  return within(collect(engine.recognize, await prompt, signal), 60 * SECONDS, 'a page')
}

async function firstPage(bytes: Uint8Array): Promise<PageImage> {
  const rasterizer = createRasterizer({
    threads: 1,
    pageTimeoutSeconds: 60,
    openTimeoutSeconds: 60,
    maxImagePixels: 100_000_000,
  })
  try {
    const source = makeSource(bytes)
    await using document = await openDocument(
      source,
      rasterizer,
      { maxDocumentBytes: bytes.length, turn: someone },
      never,
    )
    const { pixelBudget, imageMediaType: mediaType } = tesseract
    return await document.rasterize(1, { pixelBudget, mediaType }, never)
  } finally {
    await rasterizer.close()
  }
}
