import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateSync } from 'node:zlib'
import { openPdf } from '../../../gateway/rasterizer/open-pdf.ts'
import { pdfWithFiles } from '../../fixtures/portfolio.ts'
import { rawPdf } from '../../fixtures/raw-pdf.ts'
import { makePdf } from '../../support/make-pdf.ts'
import { pdfStream } from '../../support/write-pdf.ts'

const options = { password: null, maxImagePixels: 1e8, maxMemoryBytes: 1e9 }
const text = (content: string) => Buffer.from(content, 'latin1')

for (const rasterizer of ['auto', 'pdfium', 'pdfjs'] as const)
  describe(`what a PDF says of itself, by ${rasterizer}`, () => {
    const factsOf = async (bytes: Uint8Array, maxFileBytes = 1e6) => {
      await using pdf = await openPdf(bytes, rasterizer, options)
      return await pdf.facts?.({ maxFileBytes })
    }
    const labelsOf = async (labels: string, pages = 3) => {
      const catalog = `/PageLabels << /Nums [${labels}] >>`
      const facts = await factsOf(rawPdf({ pages: Array.from({ length: pages }, () => ({})), catalog }))
      return facts?.labels
    }

    it('is nothing, for most', async () => {
      assert.deepEqual(await factsOf(makePdf([{ number: 1 }])), { labels: null, isXfa: false, files: null })
    })

    for (const { name, labels, expected } of [
      { name: 'Roman, then Arabic', labels: '0 << /S /r >> 2 << /S /D >>', expected: ['i', 'ii', '1'] },
      { name: 'a prefix and a start', labels: '0 << /S /D /P (A-) /St 8 >>', expected: ['A-8', 'A-9', 'A-10'] },
      { name: 'letters', labels: '0 << /S /A /St 25 >>', expected: ['Y', 'Z', 'AA'] },
      { name: 'no style', labels: '0 << /P (Cover) >> 1 << /S /R >>', expected: ['Cover', 'I', 'II'] },
      { name: 'neither style nor prefix', labels: '0 << >>', expected: [null, null, null] },
      { name: 'Unicode', labels: '0 << /P <FEFF 0416 2014> /S /D >>', expected: ['Ж—1', 'Ж—2', 'Ж—3'] },
      {
        name: 'line breaks and control characters',
        labels: String.raw`0 << /P ( \n\r\t\001a\u001b ) >>`,
        expected: null,
      },
      {
        name: 'a change of direction, and a line separator',
        labels: '0 << /P <FEFF 202E 0061 2028 0062> >>',
        expected: ['a b', 'a b', 'a b'],
      },
    ])
      it(`is how its pages are called: ${name}`, async () => {
        const found = await labelsOf(labels)
        if (expected !== null) assert.deepEqual(found, expected)
        else for (const label of found ?? []) assert.match(label ?? '', /^[ -~]*$/)
      })

    it('is never more than a short name for a page', { timeout: 10_000 }, async () => {
      for (const labels of [
        `0 << /P (${'x'.repeat(5000)}) /S /D >>`,
        '0 << /S /R /St 2000000000 >>',
        '0 << /S /a /St 2000000000 >>',
      ])
        for (const label of (await labelsOf(labels)) ?? []) assert.ok((label ?? '').length <= 40, label?.slice(0, 100))
    })

    it('is no name where its labels are damaged', async () => {
      for (const labels of ['', '0 7', '0 << /S 7 >> 1', '(a) (b)']) {
        const found = await labelsOf(labels)
        assert.ok(found === null || found?.every((label) => label === null || label.length < 5), JSON.stringify(found))
      }
    })

    it('is that its pages stand in for a dynamic form, not that it has a form in XFA beside its fields', async () => {
      const xfa = '/XFA [(template) 5 0 R]'
      const placeholder = 'BT /F1 12 Tf 50 700 Td (Please wait... If this message is not eventually replaced) Tj ET'
      const widget = '<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /F 4 /Rect [50 600 200 620] >>'
      const form = (acroForm: string, more = '', entries = '') =>
        rawPdf({
          pages: [{ content: placeholder, entries }],
          objects: [widget, pdfStream('<template/>')],
          catalog: `/AcroForm << ${acroForm} >> ${more}`,
        })
      for (const { bytes, isXfa } of [
        { bytes: form(`/Fields [] ${xfa}`, '/NeedsRendering true'), isXfa: true },
        { bytes: form(`/Fields [] ${xfa}`), isXfa: true },
        { bytes: form(`/Fields [4 0 R] ${xfa}`, '', '/Annots [4 0 R]'), isXfa: false },
        { bytes: form('/Fields [4 0 R]', '', '/Annots [4 0 R]'), isXfa: false },
        { bytes: form('/Fields []'), isXfa: false },
      ])
        assert.equal((await factsOf(bytes))?.isXfa, isXfa)
    })

    it('is the files of a portfolio, not what is attached to another document', async () => {
      const file = { name: 'a.txt', bytes: text('the first') }
      const files = [file, { name: 'folder/b.txt', bytes: text('the second') }]
      const found = (await factsOf(pdfWithFiles(files)))?.files
      assert.deepEqual(
        found?.map(({ name, bytes, problem }) => [name, Buffer.from(bytes ?? []).toString(), problem]),
        [
          ['a.txt', 'the first', null],
          ['b.txt', 'the second', null],
        ],
      )
      assert.equal((await factsOf(pdfWithFiles(files, { isPortfolio: false })))?.files, null)
    })

    it('is that a file is too large, and all others', async () => {
      const bomb = deflateSync(Buffer.alloc(2e6))
      const files = [
        { name: 'one', bytes: Buffer.alloc(600_000, 'x') },
        { name: 'bomb', bytes: bomb, stream: pdfStream(bomb, '/Filter /FlateDecode') },
        { name: 'two', bytes: Buffer.alloc(600_000, 'x') },
        { name: 'three', bytes: text('small') },
      ]
      assert.deepEqual(
        (await factsOf(pdfWithFiles(files)))?.files?.map(({ name, bytes, problem }) => [name, bytes?.length, problem]),
        [
          ['one', 600_000, null],
          ['bomb', undefined, 'too_large'],
          ['two', undefined, 'too_large'],
          ['three', 5, null],
        ],
      )
    })

    it('leaves nothing unsaid of more files than anybody looks at', async () => {
      const files = Array.from({ length: 502 }, (_, index) => ({ name: `f${index}`, bytes: text('x') }))
      const found = (await factsOf(pdfWithFiles(files)))?.files
      assert.deepEqual([found?.length, found?.at(-1)?.name], [501, '2 more files'])
    })

    it(
      'does not keep pages from being drawn: a file that unpacks to more than memory',
      { timeout: 60_000 },
      async () => {
        const bomb = deflateSync(deflateSync(Buffer.alloc(100_000_000), { level: 9 }))
        const stream = pdfStream(bomb, '/Filter [/FlateDecode /FlateDecode]')
        await using pdf = await openPdf(pdfWithFiles([{ name: 'bomb', bytes: bomb, stream }]), rasterizer, {
          ...options,
          maxMemoryBytes: 64 * 2 ** 20,
        })
        const facts = await pdf.facts?.({ maxFileBytes: 1e6 })
        assert.equal(facts?.files?.[0]?.bytes, null)
        const { bitmap } = await pdf.draw(
          1,
          () => ({ width: 60, height: 85 }),
          () => false,
        )
        assert.equal(bitmap.width, 60)
      },
    )
  })
