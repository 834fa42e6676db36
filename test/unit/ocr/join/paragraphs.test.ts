import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { JOIN, stitchPages } from '../../../support/stitch-pages.ts'

interface Row {
  readonly name: string
  readonly pages: readonly string[]
  /** Null: nothing is joined. */
  readonly joined: string | null
}

const EN = 'Only when the second visit shows no change, and not before, is the matter'
const LONG = 'The owner is to be told politely and in person where that is possible.'

const rows: readonly Row[] = [
  { name: 'a sentence', pages: [EN, 'passed to the county.'], joined: `${EN} passed to the county.` },
  {
    name: 'a sentence whose lines the model kept',
    pages: [
      'The owner is to be told politely\nand in person where that is possible, and the',
      'office is told\nafterwards.',
    ],
    joined:
      'The owner is to be told politely\nand in person where that is possible, and the office is told\nafterwards.',
  },
  {
    name: 'a word at a hyphen',
    pages: [`${LONG} A list of everything that is miss-`, 'ing goes to the secretary.'],
    joined: `${LONG} A list of everything that is missing goes to the secretary.`,
  },
  {
    name: 'a word at the hyphen that Unicode has for that, U+2010',
    pages: [`${LONG} A second visit is made after four‐`, 'teen days.'],
    joined: `${LONG} A second visit is made after fourteen days.`,
  },
  {
    name: 'a word at a soft hyphen',
    pages: [`${LONG} A second visit is made after four\u00AD`, 'teen days.'],
    joined: `${LONG} A second visit is made after fourteen days.`,
  },
  {
    name: 'a compound that stands with its hyphen elsewhere in the document, which it keeps',
    pages: ['The long-term plan was made. It is one of many plans, and a long-', 'term one.'],
    joined: 'The long-term plan was made. It is one of many plans, and a long-term one.',
  },
  {
    name: 'a compound with a capital letter, in German',
    pages: ['Er fuhr mit dem Schiff der Ersten Donau-', 'Dampfschifffahrtsgesellschaft nach Wien.'],
    joined: 'Er fuhr mit dem Schiff der Ersten Donau-Dampfschifffahrtsgesellschaft nach Wien.',
  },
  {
    name: 'a German word before a small letter',
    pages: ['Er fuhr mit dem Schiff der Ersten Donau-', 'dampfschifffahrtsgesellschaft nach Wien.'],
    joined: 'Er fuhr mit dem Schiff der Ersten Donaudampfschifffahrtsgesellschaft nach Wien.',
  },
  {
    name: 'a hyphen that stands for a part that follows',
    pages: ['Das Gebäude hat je einen eigenen Ein-', 'und Ausgang für Besucher.'],
    joined: 'Das Gebäude hat je einen eigenen Ein- und Ausgang für Besucher.',
  },
  {
    name: 'a number after a hyphen',
    pages: ['The clinic was closed for two months because of COVID-', '19, and opened again.'],
    joined: 'The clinic was closed for two months because of COVID-19, and opened again.',
  },
  {
    name: 'French',
    pages: [
      'Le gardien parcourt chaque sentier au moins deux fois par an, une fois au début du',
      'printemps, avant la pousse, et une fois après la récolte.',
    ],
    joined:
      'Le gardien parcourt chaque sentier au moins deux fois par an, une fois au début du printemps, avant la pousse, et une fois après la récolte.',
  },
  {
    name: 'Spanish, before an accent',
    pages: [
      'El guarda recorre cada sendero de la lista por lo menos dos veces al año, y en',
      'última instancia informa a la oficina.',
    ],
    joined:
      'El guarda recorre cada sendero de la lista por lo menos dos veces al año, y en última instancia informa a la oficina.',
  },
  {
    name: 'Russian',
    pages: ['Смотритель обходит каждую тропу из списка не реже двух раз в год, один раз', 'весной, другой осенью.'],
    joined: 'Смотритель обходит каждую тропу из списка не реже двух раз в год, один раз весной, другой осенью.',
  },
  {
    name: 'Chinese, without a space',
    pages: ['公司总部位于北京，业务遍及全国各地，员工人数超过三千人，其中研发人员占', '总人数的一半以上。'],
    joined: '公司总部位于北京，业务遍及全国各地，员工人数超过三千人，其中研发人员占总人数的一半以上。',
  },
  {
    name: 'Japanese, without a space',
    pages: ['巡視員は、名簿にあるすべての道を、少なくとも年に二回、春の初めと収穫の', '後に、歩いて確かめる。'],
    joined: '巡視員は、名簿にあるすべての道を、少なくとも年に二回、春の初めと収穫の後に、歩いて確かめる。',
  },
  {
    name: 'Arabic, after a comma',
    pages: ['يمشي الحارس في كل طريق مدرج في القائمة مرتين على الأقل كل عام،', 'مرة في أوائل الربيع ومرة بعد الحصاد.'],
    joined: 'يمشي الحارس في كل طريق مدرج في القائمة مرتين على الأقل كل عام، مرة في أوائل الربيع ومرة بعد الحصاد.',
  },
  {
    name: 'the text of a list item',
    pages: ['- One.\n- The owner is to be told politely and in person, where that is possible, by the', 'warden.'],
    joined: '- One.\n- The owner is to be told politely and in person, where that is possible, by the warden.',
  },
  { name: 'over three pages', pages: [EN, 'passed to the county, which, as everybody knows, after a good while, is', 'the end of it.'], joined: `${EN} passed to the county, which, as everybody knows, after a good while, is the end of it.` }, // prettier-ignore
  // What stays as it is.
  { name: 'a sentence that has ended', pages: [LONG, 'most obstructions are removed.'], joined: null },
  { name: 'a quotation that has ended', pages: [`He said: “${LONG}”`, 'most obstructions are removed.'], joined: null },
  { name: 'a line that announces something', pages: ['The following has to be written down, in this order and in full:', 'time, place.'], joined: null }, // prettier-ignore
  { name: 'a new sentence', pages: [EN, 'Passed to the county.'], joined: null },
  { name: 'a heading at the end', pages: [`${LONG}\n\n## ${EN}`, 'passed to the county.'], joined: null },
  { name: 'a heading at the beginning', pages: [EN, '# passed to the county'], joined: null },
  { name: 'code', pages: [`\`\`\`\n${EN}\n\`\`\``, 'passed to the county.'], joined: null },
  { name: 'code that follows', pages: [EN, '```\npassed\n```'], joined: null },
  { name: 'a caption', pages: [`Figure 3: the way in which, after the second visit, the matter is`, 'passed to the county.'], joined: null }, // prettier-ignore
  {
    name: 'a picture',
    pages: [`${EN}\n\n![logo](https://example.com/logo.png)`, 'passed to the county.'],
    joined: null,
  },
  { name: 'a quote', pages: [`> ${EN}`, 'passed to the county.'], joined: null },
  { name: 'a list that begins', pages: [EN, '- passed to the county.'], joined: null },
  { name: 'letters that count', pages: [EN, 'a) passed to the county.'], joined: null },
  { name: 'a few words, which may be a header', pages: [EN, 'annual report\n\nNext.'], joined: null },
  { name: 'a short line, which may be one of an address', pages: [`${LONG}\n\n12 Main Street`, 'where he lived.'], joined: null }, // prettier-ignore
  { name: 'a salutation', pages: ['Sehr geehrte Damen und Herren der Verwaltung hier,', 'vielen Dank für Ihr Schreiben.'], joined: null }, // prettier-ignore
  {
    name: 'verses',
    pages: ['Tyger Tyger, burning bright,\nIn the forests of the night;\nWhat immortal hand or eye', 'could frame thy fearful symmetry?'], // prettier-ignore
    joined: null,
  },
  {
    name: 'an address',
    pages: ['County Office for Footpaths  \n12 Main Street  \nTownsville on the River in the County of', 'somewhere.'],
    joined: null,
  },
  { name: 'emphasis that is open', pages: [`${EN} **of the`, 'county** passed.'], joined: null },
  { name: 'mathematics that is open', pages: [`${EN} $a +`, 'b$ passed.'], joined: null },
  { name: 'a table', pages: ['| a | b |\n|---|---|\n| c | d |', 'passed to the county.'], joined: null },
  { name: 'a word that may end or stand alone', pages: [`${LONG} He ate a large pota-`, 'to.'], joined: null },
  { name: 'Chinese that has ended', pages: ['公司总部位于北京，业务遍及全国各地，员工人数超过三千人。', '总人数的一半以上，都是研发人员。'], joined: null }, // prettier-ignore
  { name: 'a new paragraph in Chinese', pages: ['公司总部位于北京，业务遍及全国各地，员工人数超过三千人，其中研发人员占', '　　总人数的一半以上。'], joined: null }, // prettier-ignore
  { name: 'a Chinese item', pages: ['公司总部位于北京，业务遍及全国各地，员工人数超过三千人，其中研发人员占', '三、总人数的一半以上。'], joined: null }, // prettier-ignore
  { name: 'a Chinese heading', pages: ['公司年度财务报告及审计意见书全文（第三卷）附录与说明', '公司总部位于北京，业务遍及全国。'], joined: null }, // prettier-ignore
  { name: 'Korean, whose lines break anywhere', pages: ['회사의 본사는 서울에 있으며, 직원 수는 삼천 명을 넘고, 그 가운데 연구 인력은 전체의', '절반 이상이다.'], joined: null }, // prettier-ignore
]

describe('a paragraph that a page has cut', () => {
  for (const { name, pages, joined } of rows) {
    it(`${joined === null ? 'is left alone' : 'is joined'}: ${name}`, async () => {
      const { content } = await stitchPages(pages, { ...JOIN, pageSeparator: '\n|\n' })
      assert.equal(content, joined ?? pages.join('\n|\n'))
    })
  }

  it('is not joined over a page that failed, is pending, or is blank, nor between documents, nor over pages left out', async () => {
    const [first, last] = [EN, 'passed to the county.']
    for (const between of [
      { text: '', status: 'blank' },
      { text: '', status: 'pending' },
    ] as const) {
      const { lines } = await stitchPages([first, between, last], JOIN)
      assert.ok(lines.every(({ joined }) => joined === undefined))
    }
    const others = [
      { text: last, document: 2, documentPage: 1 },
      { text: last, documentPage: 3 },
      { text: last, status: 'fallback', isFallback: true },
    ] as const
    for (const other of others) {
      const { lines } = await stitchPages([first, other], JOIN)
      assert.ok(lines.every(({ joined }) => joined === undefined))
    }
  })

  it('stands before the footnotes of the page on which it begins', async () => {
    const pages = [`${EN}\n\n[^1]: See the map.\n\n[^2]: And the list.`, 'passed to the county.\n\nNext.']
    const { content, lines, parts } = await stitchPages(pages, { ...JOIN, pageSeparator: '\n|\n' })
    assert.equal(content, `${EN} passed to the county.\n\n[^1]: See the map.\n\n[^2]: And the list.\n|\nNext.`)
    assert.deepEqual(parts[1], 'Next.')
    const { joined } = lines[1]!
    assert.deepEqual([joined?.page, joined?.kind], [1, 'paragraph'])
    assert.equal(content.slice(joined?.start, joined?.end), `${EN} passed to the county.`)
  })

  it('is in the ledger of the page that goes on, and each page is cut out by its offsets as it was read', async () => {
    const pages = [
      `# One\n\n${EN}`,
      'passed to the county, which, as everybody knows, after a good while, is miss-',
      'ing it.\n\nNext.',
    ]
    const { content, lines, parts } = await stitchPages(pages, JOIN)
    assert.deepEqual(parts, [pages[0], pages[1]!.slice(0, -1), pages[2]])
    const whole = `${EN} ${pages[1]!.slice(0, -1)}ing it.`
    assert.deepEqual(
      lines.map(({ joined }) => joined && [joined.page, joined.kind, content.slice(joined.start, joined.end)]),
      [undefined, [1, 'paragraph', whole], [1, 'word', whole]],
    )
  })

  it('is whole on the page on which it begins, where pages are objects', async () => {
    const { content } = await stitchPages([`# One\n\n${EN}`, 'passed to the county.\n\nNext.'], {
      ...JOIN,
      output: 'json',
    })
    const { pages } = JSON.parse(content) as { pages: { markdown: string }[] }
    assert.deepEqual(
      pages.map(({ markdown }) => markdown),
      [`# One\n\n${EN} passed to the county.`, 'Next.'],
    )
  })

  it('goes on over pages that are nothing else, where pages are objects', async () => {
    const middle = 'passed to the county, which, as everybody knows, after a good while, is'
    const { content, lines } = await stitchPages([EN, middle, middle, 'the end.\n\nNext.'], { ...JOIN, output: 'json' })
    const { pages } = JSON.parse(content) as { pages: { markdown: string }[] }
    assert.deepEqual(
      pages.map(({ markdown }) => markdown),
      [`${EN} ${middle} ${middle} the end.`, '', '', 'Next.'],
    )
    assert.deepEqual(
      lines.map(({ joined }) => joined?.page),
      [undefined, 1, 1, 1],
    )
  })

  it('is joined in plain text, too', async () => {
    const pages = [`# One\n\n**Note.** ${EN}`, 'passed to *the* county.\n\n## Next']
    const { content, lines } = await stitchPages(pages, { ...JOIN, output: 'text' })
    assert.equal(content, `One\n\nNote. ${EN} passed to the county.\n\nNext`)
    const { joined } = lines[1]!
    assert.equal(content.slice(joined?.start, joined?.end), `Note. ${EN} passed to the county.`)
  })

  it('is left alone where only tables are to be joined', async () => {
    const { lines } = await stitchPages([EN, 'passed to it.'], { join: { paragraphs: false, tables: true } })
    assert.ok(lines.every(({ joined }) => joined === undefined))
  })
})

describe('a list that a page has cut', () => {
  const lists: readonly Row[] = [
    { name: 'with bullets', pages: ['- a\n- b', '- c\n- d\n\nEnd.'], joined: '- a\n- b\n- c\n- d\n\nEnd.' },
    { name: 'with numbers that go on', pages: ['1. a\n2. b', '3. c'], joined: '1. a\n2. b\n3. c' },
    {
      name: 'with empty lines between its items',
      pages: ['1. a\n\n2. b', '3. c\n\n4. d'],
      joined: '1. a\n\n2. b\n\n3. c\n\n4. d',
    },
    { name: 'after an item with items of its own', pages: ['- a\n  - b', '- c'], joined: '- a\n  - b\n- c' },
    { name: 'with numbers that begin anew', pages: ['1. a\n2. b', '1. c'], joined: null },
    { name: 'with a number that is left out', pages: ['1. a\n2. b', '4. c'], joined: null },
    { name: 'with other bullets', pages: ['- a\n- b', '* c'], joined: null },
    { name: 'with other signs', pages: ['1. a\n2. b', '3) c'], joined: null },
    { name: 'with a deeper item', pages: ['- a\n- b', '    - c'], joined: null },
    { name: 'after a paragraph', pages: ['- a\n- b\n\nEnd.', '- c'], joined: null },
  ]
  for (const { name, pages, joined } of lists) {
    it(`${joined === null ? 'is left alone' : 'is one list'}: ${name}`, async () => {
      const { content, lines } = await stitchPages(pages, { ...JOIN, pageSeparator: '\n|\n' })
      assert.equal(content, joined ?? pages.join('\n|\n'))
      assert.equal(lines[1]?.joined?.kind, joined === null ? undefined : 'list')
    })
  }
})
