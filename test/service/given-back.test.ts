import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { readMetrics, sumBy } from '../support/read-metrics.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const MODEL = 'lightonai/LightOnOCR-2-1B'
const PAGES = 60

interface Page {
  readonly page: number
  readonly status: string
  readonly attempts: number
}

describe('pages that are given back', { timeout: 120_000 }, () => {
  it('are read once, in one attempt, in their places: a server that takes all pages at once had more than it reads at its full pace', async () => {
    // Pages are so long that a busy machine, which hears their first text a tenth of a second late, still finds them to be hardly anything but text.
    await using fake = await startFakeVllm({ service: { places: 16, seconds: 4, takesAll: true } })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    // What its text is like is known from then on.
    assert.equal((await read(gateway, 4, 4000)).length, 4)
    const sentBefore = sent(fake.calls)
    const pages = await read(gateway, PAGES, 1)
    assert.deepEqual(
      pages.map(({ page, status, attempts }) => [page, status, attempts]),
      Array.from({ length: PAGES }, (_, index) => [index + 1, 'ok', 1]),
    )
    const again = sent(fake.calls) - sentBefore - PAGES
    assert.ok(again > 0 && fake.peakRunning >= 20, `${again} sent again, ${fake.peakRunning} at a time`)
    const metrics = await readMetrics(gateway.url)
    assert.deepEqual(sumBy(metrics, 'ocr_gateway_attempts_total', 'outcome'), { accepted: PAGES + 4 })
  })
})

const sent = (calls: ReadonlyMap<string, number>) => calls.get('POST /v1/chat/completions') ?? 0

async function read({ client }: TestGateway, count: number, first: number): Promise<readonly Page[]> {
  const document = makePdf(Array.from({ length: count }, (_, at) => ({ number: first + at, width: 842, height: 120 })))
  const messages = [{ role: 'user' as const, content: [filePart(document)] }]
  const answer = await client.chat.completions.create({ model: MODEL, messages })
  return (answer as unknown as { ocr: { pages: readonly Page[] } }).ocr.pages
}
