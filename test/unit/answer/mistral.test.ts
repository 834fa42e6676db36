import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mistralWriter } from '../../../gateway/answer/mistral.ts'
import { mistralOcrResponse } from '../../../gateway/wire/mistral/ocr-response.ts'
import { makeRequest } from '../../support/make-request.ts'
import { ledgerOf, ledgerPage } from './told.ts'

const row = '<tr><td>12</td><td>Footbridge</td><td>SX 4499 7402</td><td>4</td></tr>'
const text = `# Title\n\n<table>${row.repeat(30)}</table>\n\n${'See https://example.com/a, and the rest. '.repeat(40)}`

describe('the answer of POST /v1/ocr', () => {
  it('lets others have their turn while many pages are written', async () => {
    const pages = Array.from({ length: 200 }, (_, index) => {
      const start = index * text.length
      return ledgerPage(index + 1, start, start + text.length)
    })
    const reading = { content: text.repeat(pages.length), ledger: ledgerOf(pages) }
    const answer = {
      imageLimit: Infinity,
      imageMinSize: 0,
      tableFormat: 'markdown' as const,
      headsApart: { header: false, footer: false },
      includeBlocks: true,
      pictures: { inMarkdown: false, inImages: false },
      documentBytes: () => 1,
    }
    let turns = 0
    const count = setInterval(() => (turns += 1), 0)
    const written = await mistralWriter(makeRequest(), answer, null).whole(reading)
    clearInterval(count)
    const { pages: found } = mistralOcrResponse.parse(written)
    assert.deepEqual([found.length, found.at(-1)?.tables[0]?.id], [200, 'tbl-199.md'])
    assert.ok(turns >= 3, `${turns} turns`)
  })
})
