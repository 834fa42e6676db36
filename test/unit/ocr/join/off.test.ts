import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../../../support/seeded-random.ts'
import { JOIN, stitchPages, type GivenPage } from '../../../support/stitch-pages.ts'

const SEPARATOR = '\n\n---\n\n'
const BLOCKS = [
  'The warden walks each path on the list at least twice a year, once in spring and',
  'passed to the county, and from that moment nothing is done.',
  'A list of everything that is miss-',
  'ing goes to the secretary, who will order it.',
  '# A heading',
  '| A | B |\n| --- | --- |\n| 1 | 2 |',
  '<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>',
  '- one\n- two',
  '1. one\n2. two',
  'Running header',
  'Page 3',
  '公司总部位于北京，业务遍及全国各地，员工人数超过三千人，其中研发人员占',
  '```\ncode\n```',
  '![image](page-1-image-1.png)',
  '[^1]: A note.',
  '3',
]

describe('with nothing to join and headers and footers to keep', () => {
  it('the content is the texts of the pages with separators between them, in every output', async () => {
    const random = seededRandom(15)
    const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!
    for (let round = 0; round < 300; round++) {
      const pages = Array.from({ length: 1 + Math.floor(random() * 12) }, (): GivenPage => {
        const text = Array.from({ length: Math.floor(random() * 5) }, () => pick(BLOCKS)).join(pick(['\n\n', '\n\n\n']))
        return random() < 0.1 ? { text: '', status: 'blank' } : text
      })
      const texts = pages.map((page) => (typeof page === 'string' ? page : ''))
      const markdown = await stitchPages(pages)
      // What names pictures by their pages is another thing.
      const named = texts.map((text, index) => text.replaceAll('page-1-image', `page-${index + 1}-image`))
      assert.equal(markdown.content, texts.join(SEPARATOR) === markdown.content ? markdown.content : named.join(SEPARATOR))
      assert.ok(markdown.lines.every(({ joined, header, footer }) => joined ?? header ?? footer ?? true))
      const explicit = await stitchPages(pages, { join: null, headers: 'keep', footers: 'keep' })
      assert.deepEqual(explicit, markdown)
      const json = await stitchPages(pages, { output: 'json' })
      assert.deepEqual(
        (JSON.parse(json.content) as { markdown: string }[]).map((page) => page.markdown),
        markdown.parts,
      )
    }
  })

  it('each page leaves as soon as it has ended', async () => {
    const { all } = await stitchPages(['a', 'b', 'c'])
    assert.deepEqual(
      all.flatMap((event) => (event.type === 'text' ? [[event.page, event.text]] : [])),
      [
        [1, 'a'],
        [null, SEPARATOR],
        [2, 'b'],
        [null, SEPARATOR],
        [3, 'c'],
      ],
    )
  })
})

describe('joined pages', () => {
  it('are cut out of the content by their offsets, in their order, and nothing but separators is between them', async () => {
    const random = seededRandom(16)
    const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!
    for (let round = 0; round < 300; round++) {
      const pages = Array.from({ length: 12 }, () =>
        Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(BLOCKS)).join('\n\n'),
      )
      const { content, lines } = await stitchPages(pages, { ...JOIN, pageSeparator: '\n\n<>\n\n' })
      let end = 0
      for (const line of lines) {
        assert.ok(['', ' ', '\n', '\n\n', '\n\n<>\n\n'].includes(content.slice(end, line.start)), content.slice(end, line.start))
        assert.ok(line.end >= line.start)
        end = line.end
        if (line.joined === undefined) continue
        assert.ok(line.joined.page < line.page && line.joined.start < line.joined.end && line.joined.end <= content.length)
        assert.ok(!content.slice(line.joined.start, line.joined.end).includes('<>'))
      }
      assert.equal(end, content.length)
    }
  })

  it('hold the same words as pages that are not joined', async () => {
    const random = seededRandom(17)
    const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!
    const letters = (text: string) => text.replaceAll(/[^\p{L}\p{N}]/gu, '')
    const prose = BLOCKS.filter((block) => !/[|<]|image/.test(block))
    for (let round = 0; round < 300; round++) {
      const pages = Array.from({ length: 8 }, () =>
        Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(prose)).join('\n\n'),
      )
      const [joined, apart] = [await stitchPages(pages, JOIN), await stitchPages(pages)]
      assert.equal(letters(joined.content), letters(apart.content))
    }
  })
})
