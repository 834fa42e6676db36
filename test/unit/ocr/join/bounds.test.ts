import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stitch } from '../../../../gateway/ocr/stitch.ts'
import { makeRequest } from '../../../support/make-request.ts'
import { JOIN, pageEvents, stitchPages, type GivenPage } from '../../../support/stitch-pages.ts'

/** Other processes may be at work. */
const cpuMs = (): number => process.cpuUsage().user / 1000

const ALL = { ...JOIN, headers: 'strip', footers: 'strip' } as const

describe('joining within bounds', () => {
  it('holds back five pages of a document of 2,000 at most', async () => {
    let asked = 0
    let written = 0
    let most = 0
    function* pages(): Generator<GivenPage> {
      for (let page = 1; page <= 2000; page++) {
        asked = page
        yield `Field Manual for Footpath Wardens\n\nText of the page ${page * 7919} goes on, and so it does\n\n${page}`
      }
    }
    const began = cpuMs()
    for await (const together of stitch(pageEvents(pages()), makeRequest(ALL))) {
      for (const event of together) {
        if (event.type !== 'text' || event.page === null) continue
        written = event.page
        most = Math.max(most, asked - written)
      }
    }
    assert.equal(written, 2000)
    assert.ok(most <= 5, String(most))
    assert.ok(cpuMs() - began < 5000)
  })

  for (const [name, text] of [
    ['ten megabytes of one line', 'a '.repeat(5_000_000)],
    ['ten megabytes of one word', 'a'.repeat(10_000_000)],
    ['ten megabytes of spaces', ' '.repeat(10_000_000) + 'a'],
    ['200,000 short lines', 'a\n'.repeat(200_000)],
    ['a table of 10,000 rows', `| a | b |\n|---|---|\n${'| 1234567890 | 2 |\n'.repeat(10_000)}`],
    ['a table of 10,000 rows in HTML', `<table>${'<tr><td>12345</td><td>2</td></tr>'.repeat(10_000)}</table>`],
  ] as const) {
    it(`takes ${name} as it is, at once, and says so`, async () => {
      // What the output itself takes is no part of it.
      const pages = ['One.', text, 'Two.']
      const plain = cpuMs()
      const apart = await stitchPages(pages)
      const began = cpuMs()
      const { content, lines } = await stitchPages(pages, ALL)
      const took = cpuMs() - began - (began - plain)
      assert.ok(content === apart.content)
      assert.deepEqual(
        lines[1]?.warnings.map(({ code }) => code),
        text.length > 100_000 ? ['page_not_joined'] : [],
      )
      assert.ok(took < 200, `${took} ms`)
    })
  }

  it('takes a page with the longest text that is joined in little time', async () => {
    const row = '<tr><td>12345</td><td>Kissing gate</td></tr>'
    const table = `<table><tr><th>No.</th><th>Name</th></tr>${row.repeat(2000)}</table>`
    assert.ok(table.length > 80_000 && table.length < 100_000)
    await stitchPages([table, table], ALL)
    const began = cpuMs()
    const { lines } = await stitchPages([table, table], ALL)
    assert.equal(lines[1]?.joined?.kind, 'table')
    assert.ok(cpuMs() - began < 500)
  })
})
