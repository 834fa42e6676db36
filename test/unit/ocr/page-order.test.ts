import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { inPageOrder } from '../../../gateway/ocr/page-order.ts'
import { eventually } from '../../support/within.ts'

const signal = new AbortController().signal

/** All results, however many came together. */
async function allOf<Result>(results: AsyncIterable<readonly Result[]>): Promise<Result[]> {
  return (await Array.fromAsync(results)).flat()
}

/** Pages whose ends the test decides. */
function controlledPages() {
  const started: number[] = []
  const aborted: number[] = []
  const gates = new Map<number, PromiseWithResolvers<void>>()
  const gate = (page: number) => {
    const known = gates.get(page) ?? Promise.withResolvers<void>()
    gates.set(page, known)
    return known
  }
  async function run(page: number, pageSignal: AbortSignal) {
    started.push(page)
    const { promise: gone, reject } = Promise.withResolvers<never>()
    pageSignal.addEventListener('abort', () => {
      aborted.push(page)
      reject(pageSignal.reason)
    })
    await Promise.race([gate(page).promise, gone])
    return `page ${page}`
  }
  return {
    started,
    aborted,
    run,
    finish: (page: number) => gate(page).resolve(),
    fail: (page: number, error: Error) => gate(page).reject(error),
  }
}

describe('pages side by side, in page order', () => {
  it('yields in page order: a slow first page', async () => {
    const pages = controlledPages()
    const results = allOf(inPageOrder([1, 2, 3], pages.run, { lookahead: 3, signal }))
    pages.finish(3)
    pages.finish(2)
    await setImmediate()
    pages.finish(1)
    assert.deepEqual(await results, ['page 1', 'page 2', 'page 3'])
  })

  it('never runs more than the lookahead, however many pages there are', async () => {
    const pages = controlledPages()
    const results = inPageOrder(
      (function* endless() {
        for (let page = 1; ; page++) yield page
      })(),
      pages.run,
      { lookahead: 4, signal },
    )
    const first = results.next()
    await setImmediate()
    assert.deepEqual(pages.started, [1, 2, 3, 4])
    pages.finish(1)
    assert.deepEqual((await first).value, ['page 1'])
    assert.deepEqual(pages.started, [1, 2, 3, 4, 5])
    await results.return()
  })

  it('goes on past a slow page, and reports every end at once', async () => {
    const pages = controlledPages()
    const ended: number[] = []
    const onEnd = (index: number) => ended.push(index)
    const results = allOf(inPageOrder([1, 2, 3, 4, 5], pages.run, { lookahead: 2, onEnd, signal }))
    for (const page of [2, 3, 4]) {
      pages.finish(page)
      await eventually(() => pages.started.includes(page + 1), 1000, `page ${page + 1}`)
    }
    assert.deepEqual(ended, [1, 2, 3])
    pages.finish(5)
    pages.finish(1)
    assert.equal((await results).at(-1), 'page 5')
    assert.deepEqual(new Set(ended), new Set([0, 1, 2, 3, 4]))
  })

  it('yields together what is there, up to the first page that is not', async () => {
    const pages = controlledPages()
    const results = inPageOrder([1, 2, 3, 4, 5], pages.run, { lookahead: 5, signal })
    const first = results.next()
    for (const page of [2, 3, 5]) pages.finish(page)
    await setImmediate()
    pages.finish(1)
    assert.deepEqual((await first).value, ['page 1', 'page 2', 'page 3'])
    pages.finish(4)
    assert.deepEqual(await allOf(results), ['page 4', 'page 5'])
  })

  it('starts a limited number of pages past a slow page', async () => {
    const pages = controlledPages()
    for (let page = 2; page <= 40; page++) pages.finish(page)
    const all = Array.from({ length: 40 }, (_, index) => index + 1)
    const results = allOf(inPageOrder(all, pages.run, { lookahead: 2, signal }))
    await eventually(() => pages.started.length === 26, 1000, 'thirteen for each in flight')
    for (let turn = 0; turn < 10; turn++) await setImmediate()
    assert.equal(pages.started.length, 26)
    pages.finish(1)
    await results
    assert.equal(pages.started.length, 40)
  })

  it('aborts every run when the consumer leaves, and ends only after them', async () => {
    const pages = controlledPages()
    const results = inPageOrder([1, 2, 3, 4], pages.run, { lookahead: 3, signal })
    pages.finish(1)
    await results.next()
    await results.return()
    assert.deepEqual(new Set(pages.aborted), new Set([1, 2, 3, 4]))
    assert.deepEqual(pages.started, [1, 2, 3, 4])
  })

  it('throws what a page throws, in its turn, and aborts the others', async () => {
    const pages = controlledPages()
    const results = inPageOrder([1, 2, 3], pages.run, { lookahead: 3, signal })
    pages.fail(2, new Error('page 2 is torn'))
    const first = results.next()
    await setImmediate()
    pages.finish(1)
    assert.deepEqual((await first).value, ['page 1'])
    await assert.rejects(results.next(), /page 2 is torn/)
    assert.ok(pages.aborted.includes(3))
  })

  it('throws the reason of its signal', async () => {
    const controller = new AbortController()
    const pages = controlledPages()
    const next = inPageOrder([1, 2], pages.run, { lookahead: 2, signal: controller.signal }).next()
    controller.abort(new Error('the client has left'))
    await assert.rejects(next, /the client has left/)
  })

  it('ends at once without pages', async () => {
    assert.deepEqual(await allOf(inPageOrder([], controlledPages().run, { lookahead: 2, signal })), [])
  })

  /** Pages of which the test says which are known; what is looked for together is one list. */
  function knownPages(known: ReadonlySet<number>, found: ReadonlySet<number> = known) {
    const searches: (readonly number[])[] = []
    return {
      searches,
      mayBe: (index: number) => known.has(index + 1),
      async find(pages: readonly number[]) {
        searches.push(pages)
        return pages.map((page) => (found.has(page) ? `known ${page}` : null))
      },
    }
  }

  const countTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

  it('looks for known pages together, as many as there is room for, and runs none of them', async () => {
    const pages = controlledPages()
    const ended: number[] = []
    const known = knownPages(new Set(countTo(10)))
    const options = { lookahead: 4, known, onEnd: (index: number) => ended.push(index), signal }
    const results = await allOf(inPageOrder(countTo(10), pages.run, options))
    assert.deepEqual(
      results,
      countTo(10).map((page) => `known ${page}`),
    )
    assert.deepEqual(known.searches, [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10],
    ])
    assert.deepEqual([pages.started, ended.length], [[], 10])
  })

  it('runs the pages between those that are known, and those that are not found after all', async () => {
    const pages = controlledPages()
    for (const page of [2, 4]) pages.finish(page)
    const known = knownPages(new Set([1, 3, 4, 5]), new Set([1, 3, 5]))
    const results = await allOf(inPageOrder(countTo(5), pages.run, { lookahead: 5, known, signal }))
    assert.deepEqual(results, ['known 1', 'page 2', 'known 3', 'page 4', 'known 5'])
    assert.deepEqual([pages.started, known.searches], [[2, 4], [[1, 3, 4, 5]]])
  })

  it('begins the first of many pages, and lets everything else have its turn before it begins others', async () => {
    const pages = controlledPages()
    const results = inPageOrder(countTo(30), pages.run, { lookahead: 20, signal })
    const first = results.next()
    const begun = [pages.started.length]
    while (pages.started.length < 20) {
      await setImmediate()
      begun.push(pages.started.length)
    }
    assert.deepEqual(begun, [8, 16, 20])
    pages.finish(1)
    assert.deepEqual((await first).value, ['page 1'])
    await results.return()
  })

  it('throws the reason of its signal though all that it has begun has ended', async () => {
    const controller = new AbortController()
    const run = (page: number) => Promise.resolve(page)
    const results = inPageOrder(countTo(30), run, { lookahead: 20, signal: controller.signal })
    assert.deepEqual((await results.next()).value, countTo(8))
    controller.abort(new Error('the client has left'))
    await assert.rejects(results.next(), /the client has left/)
  })

  it('lets everything else have its turn after each search', async () => {
    const known = knownPages(new Set(countTo(12)))
    const turns: number[] = []
    let isOver = false
    const count = (): void => {
      turns.push(known.searches.length)
      if (!isOver) globalThis.setImmediate(count)
    }
    count()
    const results = inPageOrder(countTo(12), controlledPages().run, { lookahead: 4, known, signal })
    assert.equal((await allOf(results)).length, 12)
    isOver = true
    assert.deepEqual(new Set(turns), new Set([0, 1, 2, 3]))
  })

  it('throws what a search throws, and the reason of its signal while it searches', async () => {
    const failing = { mayBe: () => true, find: () => Promise.reject(new Error('a bug')) }
    const { run } = controlledPages()
    await assert.rejects(inPageOrder([1], run, { lookahead: 2, known: failing, signal }).next(), /a bug/)
    const controller = new AbortController()
    const gate = Promise.withResolvers<null[]>()
    const slow = { mayBe: () => true, find: () => gate.promise }
    const next = inPageOrder([1], run, { lookahead: 2, known: slow, signal: controller.signal }).next()
    controller.abort(new Error('the client has left'))
    gate.resolve([null])
    await assert.rejects(next, /the client has left/)
  })
})
