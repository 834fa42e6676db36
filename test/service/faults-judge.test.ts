import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Outcome } from '../support/faults/client.ts'
import { judgeAgain, judgeAnswer, judgeBeginning, type Judged } from '../support/faults/judge.ts'
import { planPage } from '../support/faults/pages.ts'
import type { Job } from '../support/faults/plan.ts'
import { judgeOutcome } from '../support/faults/run.ts'
import type { LedgerLine } from '../../gateway/wire/openai/ocr-object.ts'

const textOf = (number: number): string => planPage(1, number).text
const SEPARATOR = '\n\n---\n\n'
const FAILURE = { code: 'engine_error', message: 'The engine failed.' }

/** What a gateway may answer to two documents, of five pages and of two. */
interface Page {
  readonly text: string
  readonly line: Partial<LedgerLine>
}

const goodPages: readonly Page[] = [
  { text: textOf(1), line: { document: 1, document_page: 1 } },
  { text: textOf(2), line: { document: 1, document_page: 2, status: 'repaired', attempts: 2, reasons: ['loop'] } },
  { text: '', line: { document: 1, document_page: 3, status: 'blank' } },
  {
    text: '<!-- page 4 failed: engine_error -->',
    line: { document: 1, document_page: 4, status: 'failed', error: FAILURE },
  },
  { text: 'Page n0004, its text layer', line: { document: 1, document_page: 5, status: 'fallback' } },
  { text: textOf(5), line: { document: 2, document_page: 1, cache: 'hit' } },
  { text: '<!-- page 7 pending -->', line: { document: 2, document_page: 2, status: 'pending' } },
]

const documents = [
  [1, 2, null, 3, 4],
  [5, 6],
]

function answerOf(pages: readonly Page[], more: Partial<Judged> = {}): Judged {
  let content = ''
  const lines = pages.map(({ text, line }, index): LedgerLine => {
    const start = content.length + (index === 0 ? 0 : SEPARATOR.length)
    content += (index === 0 ? '' : SEPARATOR) + text
    const facts = {
      status: 'ok' as const,
      cache: 'miss' as const,
      attempts: 1,
      engine: 'vllm' as const,
      model: 'm',
      rasterizer: 'pdfium',
      finish_reason: 'stop',
      prompt_tokens: 1,
      completion_tokens: 1,
    }
    return { page: index + 1, ...facts, width: 1, height: 1, start, end: content.length, ...line }
  })
  const ocr = { document: { sha256: '', media_type: '', pages: 5 }, task: 'document', pages: lines }
  const announced = pages.map((_, index) => index + 1)
  return { documents, textOf, hasTimeLimit: true, content, finishReason: 'length', ocr, announced, ...more }
}

/** The good answer with one page of it changed. */
function changed(page: number, change: { text?: string; line?: Partial<LedgerLine> }): Judged {
  return answerOf(
    goodPages.map((good, index) =>
      index === page - 1 ? { text: change.text ?? good.text, line: { ...good.line, ...change.line } } : good,
    ),
  )
}

const good = answerOf(goodPages)
const looped = `${textOf(1).slice(0, 40)}${'and once more '.repeat(300)}`

const broken: readonly { name: string; answer: Judged; says: RegExp }[] = [
  {
    name: 'a page that is lost',
    answer: answerOf(goodPages.slice(0, 6)),
    says: /pages 1,2,3,4,5,6 in the ledger of 7/,
  },
  { name: 'a page that is doubled', answer: changed(2, { line: { page: 1 } }), says: /pages 1,1,3/ },
  {
    name: 'a page that a stream announced twice',
    answer: { ...good, announced: [1, 2, 2, 3, 4, 5, 6, 7] },
    says: /announced/,
  },
  { name: 'a page of another document', answer: changed(6, { line: { document: 1 } }), says: /documents and pages/ },
  { name: 'the text of another page', answer: changed(1, { text: textOf(2) }), says: /page 1 is ok and holds n0002/ },
  {
    name: "the text of another client's page",
    answer: changed(1, { text: textOf(99) }),
    says: /page 1 is ok and holds n0099/,
  },
  {
    name: 'another text',
    answer: changed(1, { text: textOf(1).slice(0, -1) }),
    says: /page 1 is ok with another text/,
  },
  { name: 'a loop that counts', answer: changed(1, { text: looped }), says: /page 1 is ok with another text/ },
  { name: 'a loop that is repaired', answer: changed(2, { text: looped }), says: /page 2 is repaired/ },
  { name: 'a page that is empty and ok', answer: changed(1, { text: '' }), says: /page 1 is ok with another text/ },
  {
    name: 'a page with text that is blank',
    answer: changed(1, { line: { status: 'blank' } }),
    says: /page 1 is blank/,
  },
  { name: 'a blank page with text', answer: changed(3, { text: 'x' }), says: /page 3 is blank, and blank/ },
  { name: 'a blank page that is ok', answer: changed(3, { line: { status: 'ok' } }), says: /page 3 is blank, and ok/ },
  {
    name: 'an ok page that was asked for twice',
    answer: changed(1, { line: { attempts: 2 } }),
    says: /ok after 2 attempts/,
  },
  { name: 'a repaired page of one attempt', answer: changed(2, { line: { attempts: 1 } }), says: /repaired after 1/ },
  {
    name: 'a failure of the gateway',
    answer: changed(4, { line: { error: { code: 'internal_error', message: '' } } }),
    says: /failed with internal_error/,
  },
  {
    name: 'a failed page that does not say so',
    answer: changed(4, { text: textOf(3) }),
    says: /failed without its mark/,
  },
  {
    name: "a failed page with another's text",
    answer: changed(4, { text: `${textOf(2)} <!-- page 4 failed: engine_error -->` }),
    says: /page 4 is failed and holds n0002/,
  },
  { name: 'a fallback with nothing', answer: changed(5, { text: '' }), says: /fallback without/ },
  {
    name: 'a pending page of a client with time',
    answer: { ...good, hasTimeLimit: false },
    says: /page 7 is pending without/,
  },
  { name: 'a pending page with text', answer: changed(7, { text: textOf(6) }), says: /page 7 is pending, and says/ },
  {
    name: 'offsets that are off by one',
    answer: changed(1, { line: { end: textOf(1).length - 1 } }),
    says: /before page 2/,
  },
  { name: 'text behind the last page', answer: { ...good, content: `${good.content}x` }, says: /1 characters behind/ },
  { name: 'an end that hides what is missing', answer: { ...good, finishReason: 'stop' }, says: /finish_reason stop/ },
]

describe('what the fault test takes for a broken promise', () => {
  it('a good answer is none', () => {
    assert.deepEqual(judgeAnswer(good), [])
  })

  for (const { name, answer, says } of broken) {
    it(name, () => assert.match(judgeAnswer(answer).join('\n'), says))
  }

  it('another text of a page in a stream that was left', () => {
    const read = [textOf(1), textOf(2), '', 'half'].join(SEPARATOR)
    assert.deepEqual(judgeBeginning(read, { documents, textOf }), [])
    const swapped = [textOf(2), textOf(1), 'half'].join(SEPARATOR)
    assert.equal(judgeBeginning(swapped, { documents, textOf }).length, 2)
  })

  it('a page that is read again although it was read before, or says something else then', () => {
    assert.match(judgeAgain(good, good).join('\n'), /page 1 was ok and then a miss/)
    const known = { cache: 'hit' as const }
    const hits = answerOf(goodPages.map(({ text, line }) => ({ text, line: { ...line, ...known } })))
    assert.deepEqual(judgeAgain(good, hits), [])
    const other = goodPages.map(({ line }, index) => ({ text: textOf(index + 10), line: { ...line, ...known } }))
    assert.match(judgeAgain(good, answerOf(other)).join('\n'), /page 1 was ok and then another/)
  })
})

const job: Job = {
  documents: [{ pages: [1] }],
  stream: true,
  onPageError: 'mark',
  timeoutSeconds: null,
  leaves: null,
  hasTwin: false,
  asksAgain: false,
}

const outcome: Outcome = {
  kind: 'refused',
  answer: null,
  content: '',
  announced: [],
  code: 'engine_unavailable',
  status: 503,
  seconds: 1,
  silentSeconds: 1,
}

const ends: readonly { name: string; change: Partial<Outcome>; says: RegExp }[] = [
  { name: "a client's time limit that is missed", change: { kind: 'timed out', code: null }, says: /was timed out/ },
  { name: 'a request that takes longer than it may', change: { kind: 'overdue', code: null }, says: /was overdue/ },
  { name: 'a connection that breaks', change: { kind: 'broken', code: 'terminated' }, says: /was broken .*terminated/ },
  { name: 'a failure of the gateway', change: { code: 'internal_error', status: 500 }, says: /500 internal_error/ },
  { name: 'an error without a code', change: { code: null, status: 502 }, says: /502 null/ },
  { name: 'a request that leaves by itself', change: { kind: 'left' }, says: /broken off/ },
  { name: 'a silent stream', change: { silentSeconds: 14 }, says: /silent for 14/ },
  {
    name: 'a stream that fails behind what was read',
    change: { kind: 'failed in its stream', content: 'x' },
    says: /behind 1 /,
  },
]

describe('what the fault test takes for a broken promise of a request', () => {
  const limits = { textOf, longestSilenceSeconds: 13 }

  it('an honest refusal is none', () => {
    assert.deepEqual(judgeOutcome(job, outcome, limits), [])
    assert.deepEqual(judgeOutcome(job, { ...outcome, code: 'queue_full', status: 429 }, limits), [])
  })

  for (const { name, change, says } of ends) {
    it(name, () => assert.match(judgeOutcome(job, { ...outcome, ...change }, limits).join('\n'), says))
  }
})
