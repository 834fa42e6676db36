import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { blocksInThousandths } from '../../../../gateway/profile/marked-blocks.ts'
import { makeModel } from '../../../support/make-request.ts'
import { JOIN, stitchPages } from '../../../support/stitch-pages.ts'

const STRIP = { headers: 'strip', footers: 'strip', pageSeparator: '\n|\n' } as const
const BODIES = [
  'Barbed wire across a stile is an obstruction.',
  'Old signs are taken down and brought back to the store.',
  'Tools were counted on the last Saturday of November!',
  'Whoever finds a bull on the path writes that down.',
  'Paint freezes when it is left outdoors, and is useless then.',
  'A cairn may be used on high moors.',
  'Mud, however deep, prevents nobody from walking there.',
  'Ploughing has started by then; the hedges grow no more.',
  'In walking order, these are the structures of the beat.',
  'Red tape goes across both ends before anyone leaves.',
]
const body = (index: number): string => BODIES[index]!

/** Pages from a header, a footer, and bodies that differ. */
const pages = (count: number, header: (page: number) => string, footer: (page: number) => string): string[] =>
  Array.from({ length: count }, (_, index) =>
    [header(index + 1), body(index), footer(index + 1)].filter((part) => part !== '').join('\n\n'),
  )
const bodies = (count: number): string[] => Array.from({ length: count }, (_, index) => body(index))
const none = () => ''

interface Row {
  readonly name: string
  readonly header?: (page: number) => string
  readonly footer?: (page: number) => string
  readonly count?: number
}

const roman = ['i', 'ii', 'iii', 'iv', 'v', 'vi']
const found: readonly Row[] = [
  { name: 'a footer that is the same on each page', footer: () => 'Issue 7, not for resale' },
  { name: 'page numbers', footer: (page) => String(page) },
  { name: 'page numbers that begin elsewhere', footer: (page) => String(page + 117) },
  { name: 'page numbers between dashes', footer: (page) => `- ${page} -` },
  { name: 'page numbers of pages', footer: (page) => `Page ${page} of 6` },
  { name: 'page numbers in German', footer: (page) => `Seite ${page} von 6` },
  { name: 'page numbers in Chinese', footer: (page) => `第 ${page} 页 共 6 页` },
  { name: 'Arabic digits', footer: (page) => '٠١٢٣٤٥٦'[page]! },
  { name: 'Roman page numbers', footer: (page) => roman[page - 1]! },
  { name: 'a footer and a number in one line', footer: (page) => `Issue 7 — Not for resale ${page}/6` },
  { name: 'a footer and a number in two lines', footer: (page) => `Issue 7 — Not for resale\n${page}/6` },
  { name: 'a footer and a number, now in one line and now in two', footer: (page) => `Issue 7 — Not for resale${page % 2 ? '\n' : ' '}${page}/6` }, // prettier-ignore
  { name: 'a rule above the footer', footer: (page) => `---\n\nCounty Office, ${page}` },
  { name: 'HTML around the number', footer: (page) => `<center>${page}</center>` },
  { name: 'numbers of an open book', footer: (page) => `${2 * page} County Office ${2 * page + 1}` },
  { name: 'a footer that an engine has read a little differently', footer: (page) => (page === 3 ? 'Field Manua1 for Footpath Wardens' : 'Field Manual for Footpath Wardens') }, // prettier-ignore
]

describe('headers and footers', () => {
  for (const { name, header = none, footer = none, count = 6 } of found) {
    it(`are found by their repetition: ${name}`, async () => {
      const { content } = await stitchPages(pages(count, header, footer), STRIP)
      assert.equal(content, bodies(count).join('\n|\n'))
    })
  }

  it('are found at the top: all of them but the first, which may be the title', async () => {
    const { content } = await stitchPages(
      pages(6, () => 'Field Manual for Wardens', none),
      STRIP,
    )
    assert.equal(content, `Field Manual for Wardens\n\n${bodies(6).join('\n|\n')}`)
  })

  it('are found on the first page where the title follows, or where it has a number', async () => {
    const titled = pages(4, () => 'Field Manual for Wardens', none)
    titled[0] = 'Field Manual for Wardens\n\n# Field Manual for Wardens: Part Two\n\nText.'
    const first = await stitchPages(titled, STRIP)
    assert.equal(first.parts[0], '# Field Manual for Wardens: Part Two\n\nText.')
    const numbered = await stitchPages(
      pages(4, (page) => `Field Manual, page ${page}`, none),
      STRIP,
    )
    assert.deepEqual(numbered.parts, bodies(4))
    const numbers = await stitchPages(pages(4, String, none), STRIP)
    assert.deepEqual(numbers.parts, bodies(4))
  })

  it('are found where left and right pages have different ones', async () => {
    const left = pages(10, (page) => (page % 2 === 0 ? `${page} Field Manual` : `Of Structures ${page}`), none)
    const { parts } = await stitchPages(left, STRIP)
    assert.deepEqual(parts.slice(1), bodies(10).slice(1))
  })

  it('are found where a chapter has its own', async () => {
    const chapters = pages(
      10,
      (page) => (page <= 5 ? 'Of paths and their wardens' : 'Of bridges and their builders'),
      none,
    )
    const { parts } = await stitchPages(chapters, STRIP)
    assert.deepEqual(parts.slice(1), bodies(10).slice(1))
  })

  const kept: readonly (Row & { readonly pages?: readonly string[] })[] = [
    { name: 'of documents of two pages', count: 2, footer: () => 'Issue 7, not for resale' },
    { name: 'numbers that do not count', footer: (page) => String([3, 17, 4, 99, 5, 23][page - 1]) },
    { name: 'the same number on each page', footer: () => '2024' },
    { name: 'headings', header: (page) => `## Question ${page}` },
    { name: 'titles that count', header: (page) => `Question ${page}` },
    { name: 'lists', footer: () => '- the end' },
    { name: 'tables', footer: () => '| a | b |\n|---|---|\n| c | d |' },
    { name: 'pictures', header: () => '![logo](https://example.com/logo.png)' },
    { name: 'what stands on two pages of six', header: (page) => (page === 2 || page === 5 ? 'HAMLET' : '') },
    { name: 'all the text of a page', pages: ['Sample', 'Sample', 'Sample', 'Sample'] },
    { name: 'footnotes', footer: () => '[^1]: See the map.' },
    { name: 'lines that only look alike', header: (page) => `Font: Courier ${'ABCDEFGH'[page]!.repeat(2)}` },
    { name: 'pages that are alike', footer: () => ['Name', 'Town', 'Street', 'Country', 'Signature'].join('\n\n') },
    { name: 'a part of a paragraph', footer: () => `${'Neither partial nor full reproduction of this is allowed. '.repeat(5)}\nWritten permission is needed\nfrom the office.` }, // prettier-ignore
  ]
  for (const { name, count = 6, header = none, footer = none, pages: given } of kept) {
    it(`are left alone: ${name}`, async () => {
      const texts = given ?? pages(count, header, footer)
      const { content } = await stitchPages(texts, STRIP)
      assert.equal(content, texts.join('\n|\n'))
    })
  }

  it('are found close to the text', async () => {
    const texts = bodies(5).map((text, index) => `Field Manual, ${index + 1}\n${text}`)
    const { parts } = await stitchPages(texts, STRIP)
    assert.deepEqual(parts, bodies(5))
  })

  it('that stand as headings go where they are on nearly all pages, and never on the first', async () => {
    const texts = pages(10, () => '# Field Manual', none)
    const { parts } = await stitchPages(texts, STRIP)
    assert.deepEqual(parts, [texts[0], ...bodies(10).slice(1)])
  })

  it('stand in the ledger where they are to stand apart, and nowhere where they are to be left out', async () => {
    const texts = pages(5, () => 'Field Manual for Wardens', (page) => `Issue 7\n${page}/5`) // prettier-ignore
    const { lines, parts } = await stitchPages(texts, { headers: 'separate', footers: 'separate' })
    assert.deepEqual(
      lines.map(({ header, footer }) => [header, footer]),
      [1, 2, 3, 4, 5].map((page) => [page === 1 ? undefined : 'Field Manual for Wardens', `Issue 7\n${page}/5`]),
    )
    assert.deepEqual(parts.slice(1), bodies(5).slice(1))
    const stripped = await stitchPages(texts, STRIP)
    assert.ok(stripped.lines.every(({ header, footer }) => header === undefined && footer === undefined))
  })

  it('are those of their own document', async () => {
    const texts = pages(4, () => 'Field Manual for Wardens', none)
    const given = texts.map((text, index) => ({ text, document: index + 1, documentPage: 1 }))
    assert.deepEqual((await stitchPages(given, STRIP)).parts, texts)
  })

  it('count by the numbers that pages have in their document, where only some are read', async () => {
    const given = [2, 3, 7, 9].map((page, index) => ({ text: `${body(index)}\n\n${page}`, documentPage: page }))
    assert.deepEqual((await stitchPages(given, STRIP)).parts, bodies(4))
  })

  it('are left out of plain text and of objects, too', async () => {
    const texts = pages(4, none, (page) => `Page ${page} of 4`)
    assert.equal((await stitchPages(texts, { ...STRIP, output: 'text' })).content, bodies(4).join('\n|\n'))
    const { content } = await stitchPages(texts, { ...STRIP, output: 'json' })
    assert.deepEqual(
      (JSON.parse(content) as { pages: { markdown: string }[] }).pages.map(({ markdown }) => markdown),
      bodies(4),
    )
  })

  it('do not stand between the halves of a sentence any more', async () => {
    const texts = [
      'Field Manual for Wardens\n\nOnly when the second visit shows no change, and not before, is the matter\n\nIssue 7\n1/3',
      'Field Manual for Wardens\n\npassed to the county.\n\nIssue 7\n2/3',
      'Field Manual for Wardens\n\nEnd.\n\nIssue 7\n3/3',
    ]
    const { content } = await stitchPages(texts, { ...JOIN, ...STRIP })
    assert.match(content, /is the matter passed to the county\.\n\|\nEnd\.$/)
    const kept = await stitchPages(texts, JOIN)
    assert.equal(kept.content, texts.join('\n\n---\n\n'))
  })

  it('are not joined with text where they stay in it', async () => {
    const running = 'the field manual for all wardens of footpaths in the county, and their helpers'
    const texts = Array.from({ length: 5 }, (_, index) => `${body(index)}\n\n${running}`)
    const below = texts.map((text) => `of the office.\n\n${text}`)
    assert.equal((await stitchPages(below, JOIN)).content, below.join('\n\n---\n\n'))
  })

  it('are known by their labels where the model marks blocks, on any page', async () => {
    const model = makeModel({ findBlocks: blocksInThousandths })
    const text =
      '![header](1,2,3,4) Manual\n![text](1,200,3,400) Text.\n![footer](1,900,3,990) Issue 7\n![page_number](1,990,3,999) 1'
    const parts = { model, task: 'layout', headers: 'separate', footers: 'separate' } as const
    const { content, lines } = await stitchPages([text], parts)
    assert.equal(content, '![text](1,200,3,400) Text.')
    assert.deepEqual([lines[0]?.header, lines[0]?.footer], ['Manual', 'Issue 7\n1'])
    const footers = await stitchPages([text], { ...parts, headers: 'keep', footers: 'strip' })
    assert.equal(footers.content, '![header](1,2,3,4) Manual\n![text](1,200,3,400) Text.')
    assert.equal((await stitchPages([text], { model, task: 'layout' })).content, text)
  })
})
