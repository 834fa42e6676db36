import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import { openDocument, type Document } from '../../gateway/document/open.ts'
import { createRasterizer, type Rasterizer, type RasterizerOptions } from '../../gateway/rasterizer/pool.ts'
import { readPageBarcode } from '../fakes/page-barcode.ts'
import { maskedImagePdf } from '../fixtures/masked-image.ts'
import { slowPdf } from '../fixtures/slow-pages.ts'
import { makePdf } from '../support/make-pdf.ts'
import { eventually, within } from '../support/within.ts'
import type { Turn } from '../../gateway/schedule/turn.ts'
import { someone } from '../support/turn.ts'
import { makeSource } from '../support/make-source.ts'

const seconds = 1000
const rasterization = { pixelBudget: { longestEdge: 600, maxPixels: 360_000 }, mediaType: 'image/png' } as const
const never = new AbortController().signal

describe('the rasterizer', { timeout: 120 * seconds }, () => {
  it('gives every page of a document its own image, drawn by all drawers side by side', async () => {
    await using pool = open({ threads: 2 })
    // One drawer alone draws many while the other one starts.
    await using document = await opened(pool, numberedPdf(400))
    const pages = Array.from({ length: 400 }, (_, index) => document.rasterize(index + 1, rasterization, never))
    assert.partialDeepStrictEqual(pool.load(), { drawers: 2, busy: 1, waiting: 399 })
    await eventually(() => pool.load().busy === 2, 20 * seconds, 'a second drawer that draws')
    const images = await within(Promise.all(pages), 60 * seconds, 'all pages')
    const numbers = await Promise.all(images.map(({ data }) => readNumber(data)))
    assert.deepEqual(
      numbers,
      Array.from({ length: 400 }, (_, index) => index + 1),
    )
    assert.partialDeepStrictEqual(pool.load(), { drawers: 2, busy: 0, waiting: 0 })
  })

  it('starts no drawer before it is needed, and stays with the one that has the document', async () => {
    await using pool = open({ threads: 4 })
    assert.equal(pool.load().drawers, 0)
    await using document = await opened(pool, numberedPdf(3))
    for (const page of [1, 2, 3]) assert.equal(await numberOf(document, page), page)
    assert.equal(pool.load().drawers, 1)
  })

  it('fails only the page that takes too long; another document in that drawer is drawn as before', async () => {
    await using pool = open({ threads: 1, pageTimeoutSeconds: 1 })
    await using document = await opened(pool, numberedPdf(2))
    await using bomb = await opened(pool, slowPdf(1, 20))
    assert.equal(await numberOf(document, 1), 1)
    await assert.rejects(within(bomb.rasterize(1, rasterization, never), 30 * seconds, 'the time limit'), {
      code: 'page_timeout',
      param: 'the.field',
      message: /^Page 1 took longer than 1 s/,
    })
    assert.equal(await numberOf(document, 2), 2)
  })

  it('remembers apart what was too much for a drawing beside the page', async () => {
    await using pool = open({ threads: 1, pageTimeoutSeconds: 1 })
    await using document = await opened(pool, slowPdf(1, 20))
    for (const [options, says] of [
      [{ isExtra: true }, /^Page 1 took longer than 1 s/],
      [{ isExtra: true }, /not tried again/],
      [{}, /^Page 1 took longer than 1 s[^]*(?<!are over\.)$/],
      [{}, /not tried again/],
    ] as const) {
      const drawing = document.rasterize(1, { ...rasterization, ...options }, never)
      await assert.rejects(within(drawing, 30 * seconds, 'the time limit'), { code: 'page_timeout', message: says })
    }
  })

  it('fails only the page that takes too much memory; another document in that drawer is drawn as before', async () => {
    await using pool = open({ threads: 1, maxPageMegabytes: 64 })
    await using document = await opened(pool, numberedPdf(2))
    await using bomb = await opened(pool, billionLaughsPdf())
    await assert.rejects(within(bomb.rasterize(1, rasterization, never), 60 * seconds, 'the crash'), {
      code: 'page_too_large',
      param: 'the.field',
      message: /^Drawing page 1 takes more than 64 MB of memory/,
    })
    assert.equal(await numberOf(document, 2), 2)
  })

  it('drops a waiting page as soon as its client is gone', async () => {
    await using pool = open({ threads: 1, pageTimeoutSeconds: 5 })
    await using slow = await opened(pool, slowPdf(1, 20))
    const running = slow.rasterize(1, rasterization, never)
    const client = new AbortController()
    const waiting = slow.rasterize(1, rasterization, client.signal)
    assert.equal(pool.load().waiting, 1)
    client.abort(new Error('gone'))
    await assert.rejects(within(waiting, 1 * seconds, 'the waiting page'), { message: 'gone' })
    assert.partialDeepStrictEqual(pool.load(), { drawers: 1, busy: 1, waiting: 0 })
    await assert.rejects(running, { code: 'page_timeout' })
  })

  it('lets go of a running page as soon as its client is gone, and draws on', async () => {
    await using pool = open({ threads: 1, pageTimeoutSeconds: 2 })
    await using document = await opened(pool, numberedPdf(1))
    await using bomb = await opened(pool, billionLaughsPdf())
    const client = new AbortController()
    const running = bomb.rasterize(1, rasterization, client.signal)
    client.abort(new Error('gone'))
    await assert.rejects(within(running, 1 * seconds, 'the running page'), { message: 'gone' })
    assert.equal(await numberOf(document, 1), 1)
  })

  it('does nothing for a client that is already gone', async () => {
    await using pool = open({ threads: 1 })
    const gone = AbortSignal.abort(new Error('gone'))
    await assert.rejects(
      openDocument(makeSource(numberedPdf(1)), pool, { maxDocumentBytes: 1e6, turn: someone }, gone),
      {
        message: 'gone',
      },
    )
    assert.equal(pool.load().drawers, 0)
  })

  it('replaces a drawer after so many pages without losing one', async () => {
    await using pool = open({ threads: 1, recycleAfterPages: 2 })
    await using document = await opened(pool, numberedPdf(5))
    for (const page of [1, 2, 3, 4]) assert.equal(await numberOf(document, page), page)
    assert.equal(pool.load().drawers, 0)
    assert.equal(await numberOf(document, 5), 5)
    assert.equal(pool.load().drawers, 1)
  })

  it('knows a document that its owner sends again: no drawer opens it, and any of its pages can be drawn', async () => {
    await using pool = open({ threads: 1, recycleAfterPages: 1 })
    const document = await opened(pool, numberedPdf(3))
    assert.equal(await numberOf(document, 1), 1)
    await document[Symbol.asyncDispose]()
    assert.equal(pool.load().drawers, 0)
    await using again = await opened(pool, numberedPdf(3), { ...someone, request: 'another' })
    assert.deepEqual([again.pageCount, again.sha256, pool.load().drawers], [3, document.sha256, 0])
    assert.equal(await numberOf(again, 3), 3)
    assert.equal(pool.load().drawers, 0)
    await using others = await opened(pool, numberedPdf(3), { ...someone, key: 'another' })
    assert.deepEqual([others.pageCount, pool.load().drawers], [3, 1])
  })

  it('lets requests take turns: one page is not held up by many', async () => {
    await using pool = open({ threads: 1 })
    await using long = await opened(pool, numberedPdf(8))
    await using short = await opened(pool, numberedPdf(1), { ...someone, request: 'another' })
    const done: string[] = []
    const drawn = (name: string, document: Document, page: number) =>
      document.rasterize(page, rasterization, never).then(() => done.push(name))
    const pages = [1, 2, 3, 4, 5, 6, 7, 8].map((page) => drawn(`long ${page}`, long, page))
    await within(Promise.all([...pages, drawn('short', short, 1)]), 60 * seconds, 'nine pages')
    assert.deepEqual(done.slice(0, 3), ['long 1', 'short', 'long 2'])
  })

  it('opens no further document while too many pages wait, and draws those of open ones', async () => {
    await using pool = open({ threads: 1, maxWaiting: 2 })
    await using document = await opened(pool, numberedPdf(3))
    const pages = [1, 2, 3].map((page) => document.rasterize(page, rasterization, never))
    await assert.rejects(opened(pool, numberedPdf(1)), { code: 'queue_full', retry: true })
    await within(Promise.all(pages), 60 * seconds, 'three pages')
    await using later = await opened(pool, numberedPdf(1))
    assert.equal(await numberOf(later, 1), 1)
  })

  it('forgets a document that was disposed of: its waiting pages fail', async () => {
    await using pool = open({ threads: 1 })
    const document = await opened(pool, numberedPdf(2))
    const running = document.rasterize(1, rasterization, never)
    const waiting = document.rasterize(2, rasterization, never)
    await document[Symbol.asyncDispose]()
    await assert.rejects(within(waiting, 1 * seconds, 'the waiting page'), { name: 'AbortError' })
    assert.equal(await readNumber((await running).data), 1)
  })

  it('ends its drawers when it is closed: what runs, waits or comes later is refused', async () => {
    const pool = open({ threads: 1 })
    const bomb = await opened(pool, billionLaughsPdf())
    const [running, waiting] = [1, 1].map((page) => bomb.rasterize(page, rasterization, never))
    const outcomes = Promise.allSettled([running, waiting])
    await within(pool.close(), 10 * seconds, 'closing')
    const late = await Promise.allSettled([bomb.rasterize(1, rasterization, never)])
    for (const outcome of [...(await outcomes), ...late]) {
      assert.ok(outcome.status === 'rejected')
      assert.equal(outcome.reason.code, 'draining')
    }
    await eventually(() => pool.load().drawers === 0, 5 * seconds, 'no drawer left')
  })

  it('lets quick pages go on beside slow ones, of which all but one wait', async () => {
    await using pool = open({ threads: 1 })
    await using slow = await opened(pool, slowPdf(5, 20))
    await using quick = await opened(pool, numberedPdf(3), { ...someone, key: 'another', request: 'another' })
    const client = new AbortController()
    const pages = [1, 2, 3, 4, 5].map((page) => slow.rasterize(page, rasterization, client.signal))
    const outcomes = Promise.allSettled(pages)
    const began = performance.now()
    for (const page of [1, 2, 3]) assert.equal(await numberOf(quick, page), page)
    assert.ok(performance.now() - began < 8 * seconds, 'quick pages waited for slow ones')
    await eventually(() => pool.load().busy === 1, 5 * seconds, 'one slow page alone')
    assert.equal(pool.load().waiting, 4)
    client.abort(new Error('gone'))
    await outcomes
    await eventually(() => pool.load().busy === 0, 5 * seconds, 'the slow page is let go of')
  })

  it('keeps a drawer ready for a key that is known for quick pages, and gives it to no slow one', async () => {
    await using pool = open({ threads: 1 })
    const other = { ...someone, key: 'another', request: 'another' }
    await using quick = await opened(pool, numberedPdf(6), other)
    for (const page of [1, 2, 3]) assert.equal(await numberOf(quick, page), page)
    await using slow = await opened(pool, slowPdf(1, 30))
    await using next = await opened(pool, slowPdf(2, 30), { ...someone, request: 'the next' })
    const client = new AbortController()
    const running = Promise.allSettled([slow.rasterize(1, rasterization, client.signal)])
    await eventually(() => pool.load().drawers === 2, 20 * seconds, 'a drawer that is started ahead')
    assert.equal(await numberOf(quick, 4), 4)
    const fifth = numberOf(quick, 5)
    fifth.catch(() => {})
    assert.partialDeepStrictEqual(pool.load(), { drawers: 2, busy: 2, waiting: 0 })
    assert.equal(await fifth, 5)
    const later = Promise.allSettled([next.rasterize(1, rasterization, client.signal)])
    assert.partialDeepStrictEqual(pool.load(), { drawers: 3, busy: 1, waiting: 1 })
    const sixth = numberOf(quick, 6)
    sixth.catch(() => {})
    assert.partialDeepStrictEqual(pool.load(), { busy: 2, waiting: 1 })
    assert.equal(await sixth, 6)
    client.abort(new Error('gone'))
    await Promise.all([running, later])
  })

  it('gives a document up of which three pages took too long: the others fail at once', async () => {
    await using pool = open({ threads: 1, pageTimeoutSeconds: 1.2 })
    await using slow = await opened(pool, slowPdf(40, 20))
    const pages = Array.from({ length: 40 }, (_, index) => slow.rasterize(index + 1, rasterization, never))
    const outcomes = await within(Promise.allSettled(pages), 30 * seconds, 'forty pages')
    const messages = outcomes.map((outcome) => (outcome.status === 'rejected' ? String(outcome.reason.message) : ''))
    assert.ok(outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason.code === 'page_timeout'))
    assert.ok(messages.filter((message) => message.startsWith('The page was not drawn, as 3 pages')).length >= 36)
    await assert.rejects(slow.rasterize(39, rasterization, never), { code: 'page_timeout' })
    assert.equal(pool.load().busy, 0)
  })

  it('remembers what took too much, whoever sends it again', async () => {
    await using pool = open({ threads: 1, maxPageMegabytes: 128 })
    await using bomb = await opened(pool, billionLaughsPdf())
    await assert.rejects(within(bomb.rasterize(1, rasterization, never), 30 * seconds, 'the limit'), {
      code: 'page_too_large',
    })
    await using again = await opened(pool, billionLaughsPdf(), { ...someone, key: 'another' })
    const waiting = again.rasterize(1, rasterization, never)
    assert.equal(pool.load().busy, 0)
    await assert.rejects(waiting, { code: 'page_too_large', message: /not tried again/ })
  })

  it('draws large pages one after the other, and small ones beside them', async () => {
    await using pool = open({ threads: 2, maxPageMegabytes: 400 })
    const bombs = await Promise.all([1, 2, 3].map((number) => opened(pool, billionLaughsPdf(`${number}`))))
    const outcomes = Promise.allSettled(bombs.map((bomb) => bomb.rasterize(1, rasterization, never)))
    await using document = await opened(pool, numberedPdf(1), { ...someone, key: 'another' })
    assert.equal(await numberOf(document, 1), 1)
    for (const outcome of await within(outcomes, 60 * seconds, 'three bombs')) {
      assert.ok(outcome.status === 'rejected')
      assert.equal(outcome.reason.code, 'page_too_large')
    }
    for (const bomb of bombs) await bomb[Symbol.asyncDispose]()
  })

  it('begins a page that proves to be large anew, where its drawer holds much of those before', async () => {
    await using pool = open({ threads: 1, maxPageMegabytes: 400 })
    await using image = await opened(pool, maskedImagePdf(9900))
    await image.rasterize(1, rasterization, never)
    const held = pool.load().bytes
    await using bomb = await opened(pool, billionLaughsPdf())
    let most = 0
    const watching = setInterval(() => void (most = Math.max(most, pool.load().bytes)), 5)
    await assert.rejects(within(bomb.rasterize(1, rasterization, never), 60 * seconds, 'the bomb'))
    clearInterval(watching)
    // A drawer that has just started holds 160 MB less.
    const megabytes = [held, most].map((bytes) => Math.round(bytes / 2 ** 20))
    assert.ok(held > 200 * 2 ** 20 && most > 400 * 2 ** 20 && most < held + 340 * 2 ** 20, megabytes.join(' and '))
  })

  it('fails what waits where no drawer can start, and starts one again when something comes', async (t) => {
    await using pool = open({ threads: 1 })
    const { execPath } = process
    t.after(() => (process.execPath = execPath))
    process.execPath = '/nowhere/node'
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => opened(pool, numberedPdf(1))))
    assert.ok(outcomes.every(({ status }) => status === 'rejected'))
    assert.partialDeepStrictEqual(pool.load(), { drawers: 0, busy: 0, waiting: 0 })
    process.execPath = execPath
    await using document = await opened(pool, numberedPdf(1))
    assert.equal(await numberOf(document, 1), 1)
  })

  it('refuses a page that the document does not have', async () => {
    await using pool = open({ threads: 1 })
    await using document = await opened(pool, numberedPdf(2))
    for (const page of [0, 3, 1.5]) {
      await assert.rejects(document.rasterize(page, rasterization, never), { code: 'page_out_of_range' })
    }
  })
})

function open(options: Partial<RasterizerOptions>): Rasterizer & AsyncDisposable {
  const defaults = { threads: 1, pageTimeoutSeconds: 60, openTimeoutSeconds: 60, maxImagePixels: 1e8 }
  const pool = createRasterizer({ ...defaults, ...options })
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.close() })
}

function opened(pool: Rasterizer, bytes: Uint8Array, turn: Turn = someone): Promise<Document> {
  return within(openDocument(makeSource(bytes), pool, { maxDocumentBytes: 2e6, turn }, never), 60 * seconds, 'opening')
}

async function numberOf(document: Document, page: number): Promise<number | null> {
  const { data } = await within(document.rasterize(page, rasterization, never), 60 * seconds, `page ${page}`)
  return readNumber(data)
}

async function readNumber(png: Uint8Array): Promise<number | null> {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true })
  return readPageBarcode({ data, ...info })
}

function numberedPdf(pages: number): Uint8Array {
  return makePdf(Array.from({ length: pages }, (_, index) => ({ number: index + 1 })))
}

/** One page that draws a form ten times, which draws another ten times, twelve forms deep: 10^12 squares. */
function billionLaughsPdf(comment = ''): Uint8Array {
  const forms = Array.from({ length: 12 }, (_, depth) => {
    const content = depth === 11 ? '0 0 1 1 re f' : '/X Do '.repeat(10)
    const resources = depth === 11 ? '' : `/Resources << /XObject << /X ${depth + 6} 0 R >> >>`
    return `${depth + 5} 0 obj << /Type /XObject /Subtype /Form /BBox [0 0 99 99] ${resources} /Length ${content.length} >> stream\n${content}\nendstream endobj`
  })
  return Buffer.from(`%PDF-1.4
%${comment}
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj
3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R /Resources << /XObject << /X 5 0 R >> >> >> endobj
4 0 obj << /Length 5 >> stream\n/X Do\nendstream endobj
${forms.join('\n')}
trailer << /Root 1 0 R >>`)
}
