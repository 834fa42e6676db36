import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LedgerLine, OcrObject } from '../../../gateway/wire/openai/ocr-object.ts'
import {
  afterEvent,
  markdownOf,
  NOT_BEGUN,
  pageOf,
  progressOf,
  standingOf,
  type Reading,
  type ReadingEvent,
} from '../../../gateway/web/app/state/reading.ts'

const begin = { type: 'begin', isFresh: false, isWhole: true } as const
const text = (page: number, content: string, line: LedgerLine | null = null): ReadingEvent => ({
  type: 'text',
  page,
  text: content,
  line,
})
const joint: ReadingEvent = { type: 'text', page: null, text: '\n\n---\n\n', line: null }
const preview = (page: number): ReadingEvent => ({
  type: 'preview',
  preview: { page, image: 'data:,', width: 30, height: 40, changes: [], textLayer: 'layer' },
})

function lineOf(page: number, status: LedgerLine['status'] = 'ok'): LedgerLine {
  return {
    page,
    status,
    cache: 'miss',
    attempts: 1,
    engine: 'vllm',
    model: 'some-ocr',
    rasterizer: 'pdfium',
    finish_reason: 'stop',
    width: 30,
    height: 40,
    prompt_tokens: 1,
    completion_tokens: 1,
    start: 0,
    end: 1,
  }
}

function ledgerOf(...pages: readonly LedgerLine[]): ReadingEvent {
  const ocr: OcrObject = { document: { sha256: '', media_type: 'application/pdf', pages: 3 }, task: 'document', pages }
  return { type: 'ledger', ocr }
}

/** Events, each with its time in seconds. */
function after(events: readonly (readonly [number, ReadingEvent])[], from: Reading = NOT_BEGUN): Reading {
  return events.reduce((reading, [seconds, event]) => afterEvent(reading, event, seconds * 1000), from)
}

const numbers = ({ pages }: Reading): number[] => pages.map(({ number }) => number)
const texts = ({ pages }: Reading): (string | null)[] => pages.map(({ text }) => text)

describe('a reading', () => {
  it('has its pages in order, in whatever order they are drawn', () => {
    const reading = after([
      [0, begin],
      [0, { type: 'ask' }],
      ...[3, 1, 2, 12, 7].map((page) => [1, preview(page)] as const),
    ])
    assert.deepEqual(numbers(reading), [1, 2, 3, 7, 12])
    assert.equal(reading.phase, 'reading')
    assert.equal(pageOf(reading, 7)?.textLayer, 'layer')
    assert.equal(pageOf(reading, 8), null)
  })

  it('has all pages at once where it is known how many are read', () => {
    assert.deepEqual(
      numbers(
        after([
          [0, begin],
          [0, preview(2)],
          [0, { type: 'pages', total: 3 }],
        ]),
      ),
      [1, 2, 3],
    )
  })

  it('waits for their numbers where some pages are asked for', () => {
    const some = after([
      [0, { ...begin, isWhole: false }],
      [0, { type: 'pages', total: 2 }],
      [0, preview(40)],
    ])
    assert.deepEqual([numbers(some), some.total], [[40], 2])
  })

  it('tells how each page stands', () => {
    const reading = after([
      [0, begin],
      [0, { type: 'pages', total: 7 }],
      [0, preview(2)],
      [0, text(3, 'text')],
      [0, text(4, ' \n')],
      [0, text(5, '<!-- page 5 failed: engine_error -->')],
      [0, text(6, 'text', lineOf(6, 'repaired'))],
      [0, text(7, '', lineOf(7, 'blank'))],
    ])
    const standings = ['waiting', 'drawn', 'read', 'blank', 'failed', 'repaired', 'blank']
    assert.deepEqual(reading.pages.map(standingOf), standings)
  })

  it('is measured by the pages that came last', () => {
    const pages = Array.from({ length: 40 }, (_, index) => [10 + index * 0.5, text(index + 1, 'a')] as const)
    const reading = after([[0, begin], [0, { type: 'pages', total: 100 }], ...pages])
    assert.deepEqual(progressOf(reading), { read: 40, total: 100, pagesPerSecond: 2, secondsLeft: 30 })
    assert.equal(pageOf(reading, 3)?.seconds, 11)
  })

  it('does not guess before the first page', () => {
    const { pagesPerSecond, secondsLeft } = progressOf(
      after([
        [0, begin],
        [0, { type: 'pages', total: 100 }],
      ]),
    )
    assert.deepEqual([pagesPerSecond, secondsLeft], [null, null])
  })

  it('ends with what the gateway wrote, letter by letter', () => {
    const reading = after([
      [0, begin],
      [1, text(1, 'one')],
      [1, joint],
      [1, text(2, 'two')],
      [2, ledgerOf(lineOf(1), lineOf(2, 'repaired'))],
      [2, { type: 'end', phase: 'done', problem: null }],
    ])
    assert.equal(markdownOf(reading), 'one\n\n---\n\ntwo')
    assert.deepEqual(reading.pages.map(standingOf), ['ok', 'repaired'])
  })

  it('keeps what came when it breaks off, and puts what comes again in its place', () => {
    const lost = after([
      [0, begin],
      [0, { type: 'pages', total: 3 }],
      [0, preview(1)],
      [1, text(1, 'one', lineOf(1))],
      [1, joint],
      [1, text(2, 'two')],
      [2, { type: 'end', phase: 'lost', problem: { status: null, code: null, message: 'The connection broke.' } }],
    ])
    assert.deepEqual([lost.phase, texts(lost), markdownOf(lost)], ['lost', ['one', 'two', null], 'one\n\n---\n\ntwo'])
    const again = after(
      [
        [5, begin],
        [5, text(1, 'one')],
        [5, joint],
      ],
      lost,
    )
    assert.deepEqual([again.problem, texts(again)], [null, ['one', 'two', null]])
    const done = after(
      [
        [5, text(2, 'two')],
        [6, joint],
        [6, text(3, 'three')],
        [6, { type: 'end', phase: 'done', problem: null }],
      ],
      again,
    )
    assert.equal(markdownOf(done), 'one\n\n---\n\ntwo\n\n---\n\nthree')
    assert.equal(progressOf(done).pagesPerSecond, 1, 'pages that were known do not count')
  })

  it('forgets everything when it is begun afresh', () => {
    const done = after([
      [0, begin],
      [0, text(1, 'one')],
      [0, { type: 'end', phase: 'done', problem: null }],
    ])
    assert.deepEqual(after([[1, { ...begin, isFresh: true }]], done).pages, [])
  })

  it('has two thousand pages in no time worth measuring', () => {
    const pages = Array.from({ length: 2000 }, (_, index) => index + 1)
    const reading = after([
      [0, begin],
      [0, { type: 'pages', total: 2000 }],
      ...pages.map((page) => [page, preview(page)] as const),
      ...pages.map((page) => [page, text(page, 'text')] as const),
    ])
    assert.equal(progressOf(reading).read, 2000)
  })
})
