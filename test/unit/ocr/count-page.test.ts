import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { countFound, countPage, type FoundPage } from '../../../gateway/ocr/count-page.ts'
import type { PageResult } from '../../../gateway/ocr/page-event.ts'
import { unread } from '../../../gateway/read/page-answer.ts'
import type { OcrRequest } from '../../../gateway/request/ocr-request.ts'
import { createMetrics } from '../../../gateway/telemetry/metrics.ts'
import { addTo, NOTHING, type Counts } from '../../../gateway/usage/counts.ts'
import { pageToRead } from '../../support/page-prompt.ts'

const request = { model: { id: 'm' }, turn: { lane: 'batch', key: 'k', request: '1' } } as OcrRequest

function found(changes: Partial<PageResult>, format = 'application/pdf'): FoundPage {
  const result: PageResult = { ...unread('vllm'), status: 'ok', cache: 'hit', error: null, ...changes }
  return { result, page: pageToRead({ format }) }
}

/** Counts, and returns all that was counted. */
async function counted(count: (counters: Parameters<typeof countFound>[3]) => void) {
  const metrics = createMetrics()
  const used = { ...NOTHING }
  count({ metrics, account: { add: (counts: Partial<Counts>) => addTo(used, counts) } })
  const text = await metrics.registry.metrics()
  const lines = text.split('\n').filter((line) => /^ocr_gateway_(?:page|cache)/.test(line))
  const { recent } = metrics
  const { ok, blank } = recent.pagesByMinute()
  return { lines: lines.toSorted(), used, recent: [ok?.at(-1), blank?.at(-1), recent.cache()] }
}

describe('pages that were found together', () => {
  it('are counted as each of them would be', async () => {
    const warnings = [{ code: 'text_disagrees', message: 'It differs.' }] as const
    const pages = [
      found({}),
      found({ status: 'blank' }),
      found({}),
      found({ warnings }),
      found({}, 'image/png'),
      found({ warnings }),
    ]
    const together = await counted((counters) => countFound(pages, request, 0.2, counters))
    const each = await counted((counters) => {
      for (const { result, page } of pages) countPage(result, page, request, 0.2, counters)
    })
    assert.deepEqual(together, each)
    assert.deepEqual([together.used.pages, together.used.pagesOk, together.used.pagesCached], [6, 5, 6])
    assert.ok(together.lines.some((line) => line.endsWith('{code="text_disagrees"} 2')))
  })
})
