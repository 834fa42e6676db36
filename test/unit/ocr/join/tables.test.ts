import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { JOIN, stitchPages } from '../../../support/stitch-pages.ts'

const pipe = (rows: readonly (readonly string[])[]): string =>
  rows
    .flatMap((row, index) => [`| ${row.join(' | ')} |`, ...(index === 0 ? [`|${row.map(() => '---|').join('')}`] : [])])
    .join('\n')

const row = (cells: readonly string[], tag = 'td'): string =>
  `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`
const html = (rows: readonly (readonly string[])[]): string =>
  `<table><thead>${row(rows[0]!, 'th')}</thead><tbody>${rows
    .slice(1)
    .map((cells) => row(cells))
    .join('')}</tbody></table>`

const HEAD = ['No.', 'Structure', 'Condition']
const first = [['1', 'Kissing gate', '2'], ['2', 'Step stile', '3'], ['3', 'Plank bridge', '4']] // prettier-ignore
const second = [['4', 'Fingerpost', '1'], ['5', 'Field gate', '2']] // prettier-ignore
const whole = [HEAD, ...first, ...second]

/** Other processes may be at work. */
const cpuMs = (): number => process.cpuUsage().user / 1000

interface Row {
  readonly name: string
  readonly pages: readonly string[]
  readonly joined: string | null
}

const rows: readonly Row[] = [
  {
    name: 'Markdown whose header is repeated',
    pages: [pipe([HEAD, ...first]), pipe([HEAD, ...second])],
    joined: pipe(whole),
  },
  {
    name: 'Markdown whose header is repeated with other signs',
    pages: [pipe([HEAD, ...first]), pipe([['No', '**Structure**', 'CONDITION'], ...second])],
    joined: pipe(whole),
  },
  {
    name: 'Markdown whose first row stands as a header',
    pages: [pipe([HEAD, ...first]), pipe(second)],
    joined: pipe(whole),
  },
  { name: 'Markdown with one row, which stands as a header', pages: [pipe([HEAD, ...first]), pipe(second.slice(0, 1))], joined: pipe(whole.slice(0, -1)) }, // prettier-ignore
  { name: 'Markdown with an empty header', pages: [pipe([HEAD, ...first]), pipe([['', '', ''], ...second])], joined: pipe(whole) }, // prettier-ignore
  {
    name: 'over three pages',
    pages: [pipe([HEAD, ...first]), pipe(second), pipe([['6', 'Ladder stile', '2']])],
    joined: pipe([...whole, ['6', 'Ladder stile', '2']]),
  },
  {
    name: 'with text before and behind',
    pages: [`Text.\n\n${pipe([HEAD, ...first])}\n`, `${pipe([HEAD, ...second])}\n\nMore.`],
    joined: `Text.\n\n${pipe(whole)}\n\nMore.`,
  },
  {
    name: 'a caption between says that it goes on',
    pages: [pipe([HEAD, ...first]), `**Table 3** (continued)\n\n${pipe([HEAD, ...second])}`],
    joined: pipe(whole),
  },
  {
    name: 'a caption says so in German',
    pages: [pipe([HEAD, ...first]), `Tabelle 3 (Fortsetzung)\n\n${pipe([HEAD, ...second])}`],
    joined: pipe(whole),
  },
  {
    name: 'a caption says so in Chinese',
    pages: [pipe([HEAD, ...first]), `续表3\n\n${pipe([HEAD, ...second])}`],
    joined: pipe(whole),
  },
  { name: 'a caption that says nothing', pages: [pipe([HEAD, ...first]), `Table 4\n\n${pipe([HEAD, ...second])}`], joined: null }, // prettier-ignore
  {
    name: 'another header',
    pages: [pipe([HEAD, ...first]), pipe([['Name', 'Town', 'Year'], ...second])],
    joined: null,
  },
  {
    name: 'another number of columns',
    pages: [pipe([HEAD, ...first]), pipe([HEAD.slice(1), ['a', 'b']])],
    joined: null,
  },
  { name: 'words where there are numbers', pages: [pipe([HEAD, ...first]), pipe([['one', 'two', '3'], ...second])], joined: null }, // prettier-ignore
  {
    name: 'a table in HTML after one in Markdown',
    pages: [pipe([HEAD, ...first]), html([HEAD, ...second])],
    joined: null,
  },
  { name: 'text between', pages: [`${pipe([HEAD, ...first])}\n\nText.`, pipe([HEAD, ...second])], joined: null },
  { name: 'a header alone', pages: [pipe([HEAD, ...first]), pipe([HEAD])], joined: null },
  {
    name: 'HTML whose header is repeated',
    pages: [html([HEAD, ...first]), html([HEAD, ...second])],
    joined: `<table><thead>${row(HEAD, 'th')}</thead><tbody>${first.map((cells) => row(cells)).join('')}\n${second.map((cells) => row(cells)).join('')}</tbody></table>`,
  },
  {
    name: 'HTML that has no header on the second page',
    pages: [html([HEAD, ...first]), `<table>${second.map((cells) => row(cells)).join('')}</table>`],
    joined: `<table><thead>${row(HEAD, 'th')}</thead><tbody>${first.map((cells) => row(cells)).join('')}\n${second.map((cells) => row(cells)).join('')}</table>`,
  },
  {
    name: 'HTML whose first row stands as a header',
    pages: [html([HEAD, ...first]), html(second)],
    joined: `<table><thead>${row(HEAD, 'th')}</thead><tbody>${first.map((cells) => row(cells)).join('')}\n${row(second[0]!)}${row(second[1]!)}</tbody></table>`,
  },
  {
    name: 'HTML with end tags left out, in lines, with spans',
    pages: [
      '<TABLE border=1>\n<tr><th colspan=2>Name<th>Year\n<tr><td rowspan="2">a<td>b<td>1\n<tr><td>c<td>2\n</TABLE>',
      '<table>\n<tr><th colspan="2">Name</th><th>Year</th></tr>\n<tr><td>d</td><td>e</td><td>3</td></tr>\n</table>\n\nEnd.',
    ],
    joined:
      '<TABLE border=1>\n<tr><th colspan=2>Name<th>Year\n<tr><td rowspan="2">a<td>b<td>1\n<tr><td>c<td>2\n\n<tr><td>d</td><td>e</td><td>3</td></tr>\n</table>\n\nEnd.',
  },
  { name: 'HTML with a row of sums at its end', pages: ['<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr><tfoot><tr><td>1</td><td>2</td></tr></tfoot></table>', html([['a', 'b'], ['3', '4']])], joined: null }, // prettier-ignore
  { name: 'HTML with a caption of its own', pages: [html([HEAD, ...first]), html([HEAD, ...second]).replace('<thead>', '<caption>Bridges</caption><thead>')], joined: null }, // prettier-ignore
  {
    name: 'HTML with other columns',
    pages: [html([HEAD, ...first]), '<table><tr><td colspan="2">4</td></tr></table>'],
    joined: null,
  },
  { name: 'two tables in HTML without headers', pages: ['<table><tr><td>a</td><td>1</td></tr></table>', '<table><tr><td>b</td><td>2</td></tr></table>'], joined: null }, // prettier-ignore
]

describe('a table that a page has cut', () => {
  for (const { name, pages, joined } of rows) {
    it(`${joined === null ? 'is left alone' : 'is one table'}: ${name}`, async () => {
      const { content, lines } = await stitchPages(pages, { ...JOIN, pageSeparator: '\n\n|||\n\n' })
      assert.equal(content, joined ?? pages.join('\n\n|||\n\n'))
      assert.equal(lines[1]?.joined?.kind, joined === null ? undefined : 'table')
    })
  }

  it('is cut out of the content by the ledger', async () => {
    const pages = [`Text.\n\n${html([HEAD, ...first])}`, html([HEAD, ...second]), `${html(second)}\n\nEnd.`]
    const { content, lines, parts } = await stitchPages(pages, JOIN)
    const places = lines.map(({ joined }) => joined && [joined.page, content.slice(joined.start, joined.end)])
    const table = content.slice('Text.\n\n'.length, -'\n\nEnd.'.length)
    assert.match(table, /^<table>.*<\/table>$/s)
    assert.deepEqual(places, [undefined, [1, table], [1, table]])
    assert.equal(parts[1], second.map((cells) => row(cells)).join(''))
  })

  it('stands before the notes below it', async () => {
    const pages = [`${pipe([HEAD, ...first])}\n\n\\* Closed.`, `${pipe([HEAD, ...second])}\n\nEnd.`]
    const { content } = await stitchPages(pages, { ...JOIN, pageSeparator: '\n|\n' })
    assert.equal(content, `${pipe(whole)}\n\n\\* Closed.\n|\nEnd.`)
  })

  it('is one in plain text and in objects, too', async () => {
    for (const write of [pipe, html]) {
      const pages = [write([HEAD, ...first]), `${write([HEAD, ...second])}\n\nEnd.`]
      const text = await stitchPages(pages, { ...JOIN, output: 'text' })
      const lines = text.content.split('\n')
      assert.equal(lines.length, 8, text.content)
      assert.equal(lines.filter((line) => line.includes('Structure')).length, 1)
      const json = await stitchPages(pages, { ...JOIN, output: 'json' })
      const [one, two] = (JSON.parse(json.content) as { pages: { markdown: string }[] }).pages
      assert.equal(two?.markdown, 'End.')
      assert.equal(one?.markdown.match(/gate|stile|bridge|Fingerpost/g)?.length, 5)
    }
  })

  it('is left alone where only paragraphs are to be joined', async () => {
    const pages = [pipe([HEAD, ...first]), pipe([HEAD, ...second])]
    const { lines } = await stitchPages(pages, { join: { paragraphs: true, tables: false } })
    assert.equal(lines[1]?.joined, undefined)
  })

  it('is left alone where its HTML is hostile', async () => {
    const deep = '<div>'.repeat(5000)
    const hostile = [
      `<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>${deep}</td></tr></table>`,
      `<table>${'<tr><td>'.repeat(3000)}</table>`,
      `${'<table><tr><td>'.repeat(3000)}${'</td></tr></table>'.repeat(3000)}`,
      '<table><p>x<tr><th>a<th>b<tr><td>1<td>2</table>',
    ]
    const began = cpuMs()
    for (const table of hostile) {
      const { lines, content } = await stitchPages(
        [
          table,
          html([
            ['a', 'b'],
            ['3', '4'],
          ]),
        ],
        JOIN,
      )
      assert.equal(lines[1]?.joined, undefined, content.slice(0, 200))
    }
    assert.ok(cpuMs() - began < 2000)
  })
})
