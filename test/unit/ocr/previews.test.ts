import assert from 'node:assert/strict'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { describe, it } from 'node:test'
import type { PageEnd, PagePreviewed } from '../../../gateway/ocr/page-event.ts'
import { inPageOrder } from '../../../gateway/ocr/page-order.ts'
import { createPreviews } from '../../../gateway/ocr/previews.ts'
import type { PlannedPage } from '../../../gateway/ocr/recognize.ts'
import type { PageImage } from '../../../gateway/page/page.ts'
import { unread } from '../../../gateway/read/page-answer.ts'
import type { Draw } from '../../../gateway/read/page-to-read.ts'
import { grayPageImage, pageToRead } from '../../support/page-prompt.ts'

const never = new AbortController().signal
const image = await grayPageImage()

const pictured = (bytes = 10): PageImage => ({
  ...image,
  textLayer: { text: 'Layer', unmapped: 0, isOcr: false, isWhole: true },
  preview: { data: new Uint8Array(bytes), changes: [{ code: 'binarized' }] },
})

const planned = (page: number, draw: Draw): PlannedPage => ({
  number: { page, document: 1, documentPage: page, label: null },
  warnings: [],
  page: { ...pageToRead({ draw }), another: () => pageToRead({ draw }) },
})

const endOf = ({ number }: PlannedPage, status: 'ok' | 'pending' = 'ok'): PageEnd => ({
  type: 'page-end',
  page: number,
  result: { ...unread('vllm'), status, cache: 'miss', error: null },
})

const read = async (page: PlannedPage, signal: AbortSignal): Promise<PageEnd> => {
  await page.page.draw(signal)
  return endOf(page)
}

const known = async (page: PlannedPage): Promise<PageEnd> => endOf(page)

interface Run {
  readonly signal?: AbortSignal
  readonly timeIsUp?: AbortSignal
  readonly lookahead?: number
}

/** What a request of these pages says, page by page. */
function run(
  pages: readonly PlannedPage[],
  reading: (page: PlannedPage, signal: AbortSignal) => Promise<PageEnd>,
  { signal = never, timeIsUp = never, lookahead = 2 }: Run = {},
) {
  const previews = createPreviews(signal, timeIsUp)
  const watched = previews.watch(pages.values())
  return oneByOne(previews.among((left) => inPageOrder(watched, previews.noting(reading), { lookahead, signal: left })))
}

async function* oneByOne<Event>(events: AsyncIterable<readonly Event[]>): AsyncGenerator<Event, void, undefined> {
  for await (const together of events) yield* together
}

const brief = ({ type, page }: PageEnd | PagePreviewed): string =>
  `${type === 'page-end' ? 'end' : 'preview'} ${page.page}`

describe('the pictures of pages', () => {
  it('come when a page is drawn, before its text and out of page order', async () => {
    const gates = [1, 2, 3].map(() => Promise.withResolvers<void>())
    const pages = [1, 2, 3].map((page) =>
      planned(page, async () => {
        await gates[page - 1]!.promise
        return pictured()
      }),
    )
    const events = run(pages, read, { lookahead: 3 })
    const first = events.next()
    gates[2]!.resolve()
    assert.equal(brief((await first).value as PagePreviewed), 'preview 3')
    gates[1]!.resolve()
    gates[0]!.resolve()
    const rest = await Array.fromAsync(events)
    assert.deepEqual(rest.map(brief).toSorted(), ['end 1', 'end 2', 'end 3', 'preview 1', 'preview 2'])
    for (const page of [1, 2])
      assert.ok(
        rest.findIndex((e) => brief(e) === `preview ${page}`) < rest.findIndex((e) => brief(e) === `end ${page}`),
      )
  })

  it('are taken off the image that is read, kept and compared', async () => {
    let seen: PageImage | null = null
    const events = await Array.fromAsync(
      run([planned(1, async () => pictured())], async (page, signal) => {
        seen = await page.page.draw(signal)
        return endOf(page)
      }),
    )
    assert.deepEqual(Object.keys(seen ?? {}).toSorted(), Object.keys(image).toSorted())
    const [event] = events as PagePreviewed[]
    const { data, ...facts } = event!.preview
    assert.equal(data.length, 10)
    assert.deepEqual(facts, { changes: [{ code: 'binarized' }], width: 280, height: 140, textLayer: 'Layer' })
  })

  it('are drawn for pages that nobody drew, behind all others, when their text was said', async () => {
    const lanes: (string | undefined)[] = []
    const pages = [1, 2, 3, 4].map((page) =>
      planned(page, async (_, options) => {
        lanes.push(options?.turn?.lane)
        await turn()
        return pictured()
      }),
    )
    const events = (await Array.fromAsync(run(pages, known))).map(brief)
    assert.deepEqual(
      events.filter((event) => event.startsWith('end')),
      ['end 1', 'end 2', 'end 3', 'end 4'],
    )
    assert.deepEqual(events.filter((event) => event.startsWith('preview')).toSorted(), [
      'preview 1',
      'preview 2',
      'preview 3',
      'preview 4',
    ])
    assert.deepEqual(lanes, ['batch', 'batch', 'batch', 'batch'])
  })

  it('are none of pages that cannot be drawn, and are not tried twice', async () => {
    const draws: number[] = []
    const pages = [1, 2].map((page) =>
      planned(page, async () => {
        draws.push(page)
        throw new Error('This page cannot be drawn.')
      }),
    )
    const failing = (page: PlannedPage, signal: AbortSignal) =>
      page.number.page === 1
        ? page.page.draw(signal).then(
            () => endOf(page),
            () => endOf(page),
          )
        : known(page)
    assert.deepEqual((await Array.fromAsync(run(pages, failing))).map(brief), ['end 1', 'end 2'])
    assert.deepEqual(draws, [1, 2])
  })

  it('are not held for a client that takes none: it gets them when it does', async () => {
    let drawn = 0
    const pages = Array.from({ length: 64 }, (_, index) =>
      planned(index + 1, async () => {
        drawn += 1
        return pictured(1024 * 1024)
      }),
    )
    const events = run(pages, read, { lookahead: 64 })
    const first = await events.next()
    await pause(50)
    // All were drawn to be read; four of the pictures are held, and another two when the first was taken.
    assert.ok(drawn <= 66, `${drawn} were drawn`)
    const seen = [brief(first.value as PagePreviewed)]
    for await (const event of events) {
      seen.push(brief(event))
      await turn()
    }
    assert.equal(seen.filter((event) => event.startsWith('preview')).length, 64)
    assert.ok(drawn <= 64 + 60, `${drawn} were drawn`)
    assert.deepEqual(
      seen.filter((event) => event.startsWith('end')),
      pages.map(({ number: { page } }) => `end ${page}`),
    )
  })

  it('keep nobody beyond the time that the client has', async () => {
    const timeIsUp = new AbortController()
    let signals = 0
    const hanging: Draw = (signal) =>
      new Promise((_, reject) => {
        signals += 1
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    const events = run([planned(1, hanging), planned(2, hanging)], known, { timeIsUp: timeIsUp.signal })
    assert.deepEqual([brief((await events.next()).value!), brief((await events.next()).value!)], ['end 1', 'end 2'])
    const last = events.next()
    await turn()
    timeIsUp.abort(new Error('Time is up.'))
    assert.equal((await last).done, true)
    assert.equal(signals, 2)
  })

  it('end with the request: when its client leaves, and when a page fails it', async () => {
    const client = new AbortController()
    let ended = 0
    const hanging: Draw = (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          ended += 1
          reject(signal.reason as Error)
        })
      })
    const left = run([planned(1, hanging)], known, { signal: client.signal })
    await left.next()
    const last = left.next()
    await turn()
    client.abort(new Error('The client has left.'))
    await assert.rejects(last, /has left/)
    assert.equal(ended, 1)
    const failing = run([planned(1, hanging), planned(2, hanging)], async (page) => {
      if (page.number.page === 2) throw new Error('This page fails the request.')
      return endOf(page)
    })
    await failing.next()
    await assert.rejects(failing.next(), /fails the request/)
    assert.equal(ended, 2)
  })

  it('stop the reading of pages when their reader leaves, at once', async () => {
    let aborted = false
    const pages = [planned(1, async () => pictured())]
    const events = run(pages, async (page, signal) => {
      await page.page.draw(signal)
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true
          reject(signal.reason as Error)
        })
      })
    })
    assert.equal(brief((await events.next()).value!), 'preview 1')
    await turn()
    await events.return()
    assert.equal(aborted, true)
  })
})
