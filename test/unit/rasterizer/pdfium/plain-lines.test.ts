import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openPdf } from '../../../../gateway/rasterizer/open-pdf.ts'
import { englishLines } from '../../../fixtures/prose.ts'
import { rawPdf, type RawPage } from '../../../fixtures/raw-pdf.ts'

const print = (lines: readonly string[], { x = 50, top = 780, size = 10 } = {}): string =>
  `BT /F1 ${size} Tf ${1.4 * size} TL ${x} ${top} Td\n${lines.map((line) => `(${line}) Tj T*`).join('\n')}\nET`

const prose = englishLines.slice(0, 12).map((line) => line.trim())
const plain = print(prose)

async function linesOf(page: RawPage, wanted = true) {
  await using document = await openPdf(rawPdf({ pages: [page] }), 'pdfium', {
    password: null,
    maxImagePixels: 50_000_000,
    maxMemoryBytes: 2 ** 30,
  })
  const size = { width: 595, height: 842 }
  const { textLayer } = await document.draw(
    1,
    () => size,
    () => false,
    wanted,
  )
  return textLayer?.lines
}

describe('the lines of a page of plain print', () => {
  it('are its text from the top, with their places, whatever order they were drawn in', async () => {
    const content = `${print(prose.slice(6), { top: 500 })} ${print(prose.slice(0, 6), { size: 12 })}`
    const lines = (await linesOf({ content })) ?? []
    assert.deepEqual(
      lines.map(({ text }) => text),
      prose,
    )
    const [first] = lines
    assert.ok(Math.abs((first?.left ?? 0) - 50) < 2 && first?.size === 12 && Math.abs(first.baseline - 780) < 1)
  })

  it('are not looked for unless they are wanted', async () => {
    assert.equal(await linesOf({ content: plain }, false), undefined)
  })

  const links = '/Annots [<< /Type /Annot /Subtype /Link /Rect [50 700 200 720] >>]'
  const plainRows: { name: string; page: RawPage }[] = [
    { name: 'on coloured paper', page: { content: `1 1 0.9 rg 0 0 595 842 re f 0 g ${plain}` } },
    { name: 'under a level rule', page: { content: `${plain} 50 800 400 1 re f` } },
    { name: 'with a link', page: { content: plain, entries: links } },
    {
      name: 'with a list',
      page: { content: `${plain} ${print(['1.    Wind the clock on a Monday.'], { top: 400 })}` },
    },
  ]
  for (const { name, page } of plainRows)
    it(`are there ${name}`, async () => {
      assert.ok(((await linesOf(page)) ?? []).length >= prose.length)
    })

  const image = 'q 40 0 0 40 300 300 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI Q'
  const raised = `${plain} BT /F1 10 Tf 50 400 Td (about 10) Tj 4 Ts (5) Tj 0 Ts ( metres) Tj ET`
  const note = `${plain} BT /F1 10 Tf 50 400 Td (a word) Tj /F1 6 Tf 4 Ts (1) Tj ET`
  const rows: { name: string; page: RawPage }[] = [
    { name: 'a small picture', page: { content: `${plain} ${image}` } },
    { name: 'a frame', page: { content: `${plain} 50 300 200 50 re S` } },
    { name: 'the rules of a table', page: { content: `${plain} ${[300, 320, 340, 360, 380].map((y) => `50 ${y} 400 1 re f`).join(' ')}` } }, // prettier-ignore
    { name: 'a drawn line that is not level', page: { content: `${plain} 50 300 m 200 380 l S` } },
    {
      name: 'a second column',
      page: { content: `${print(prose.slice(0, 6))} ${print(prose.slice(6, 9), { x: 510 })}` },
    },
    {
      name: 'cells',
      page: { content: `${plain} ${print(['Low'], { top: 400 })} ${print(['High'], { x: 120, top: 400 })}` },
    },
    {
      name: 'upright text',
      page: { content: `${plain} BT /F1 10 Tf 0 1 -1 0 560 300 Tm (A note in the margin) Tj ET` },
    },
    { name: 'a raised digit', page: { content: raised } },
    { name: 'the number of a note', page: { content: note } },
    {
      name: 'white text',
      page: { content: `${plain} 1 g ${print(['Nobody sees this line of text.'], { top: 300 })}` },
    },
    { name: 'signs of mathematics', page: { content: `${plain} ${print(['a value \\261 its error'], { top: 300 })}` } },
    { name: 'a table of contents', page: { content: `${plain} ${print(['Introduction ......... 7'], { top: 300 })}` } },
    { name: 'a quarter turn', page: { content: plain, entries: '/Rotate 90' } },
    { name: 'a note that was typed in', page: { content: plain, entries: '/Annots [<< /Type /Annot /Subtype /FreeText /Rect [50 200 200 240] /Contents (Note) >>]' } }, // prettier-ignore
    { name: 'a highlight', page: { content: plain, entries: '/Annots [<< /Type /Annot /Subtype /Highlight /Rect [50 700 200 720] >>]' } }, // prettier-ignore
  ]
  for (const { name, page } of rows)
    it(`are none on a page with ${name}`, async () => {
      assert.equal(await linesOf(page), null)
    })
})
