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
  '[^1]: A note.',
  '3',
]

describe('with nothing to join and headers and footers to keep', () => {
  it('the content is the texts of the pages with separators between them, in every output', async () => {
    const random = seededRandom(15)
    for (let round = 0; round < 120; round++) {
      const pages = Array.from({ length: random.integer(1, 12) }, (): GivenPage => {
        const gap = random.pick(['\n\n', '\n\n\n'])
        const text = Array.from({ length: random.integer(0, 5) }, () => random.pick(BLOCKS)).join(gap)
        return random.chance(0.1) ? { text: '', status: 'blank' } : text
      })
      const texts = pages.map((page) => (typeof page === 'string' ? page : ''))
      const markdown = await stitchPages(pages)
      assert.equal(markdown.content, texts.join(SEPARATOR))
      assert.deepEqual(markdown.parts, texts)
      const explicit = await stitchPages(pages, { join: null, headers: 'keep', footers: 'keep' })
      assert.deepEqual(explicit, markdown)
      const json = await stitchPages(pages, { output: 'json' })
      assert.deepEqual(
        (JSON.parse(json.content) as { pages: { markdown: string }[] }).pages.map((page) => page.markdown),
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
    for (let round = 0; round < 120; round++) {
      const pages = Array.from({ length: 12 }, () =>
        Array.from({ length: random.integer(1, 3) }, () => random.pick(BLOCKS)).join('\n\n'),
      )
      const { content, lines } = await stitchPages(pages, { ...JOIN, pageSeparator: '\n\n<>\n\n' })
      let end = 0
      for (const line of lines) {
        assert.ok(
          ['', ' ', '\n', '\n\n', '\n\n<>\n\n'].includes(content.slice(end, line.start)),
          content.slice(end, line.start),
        )
        assert.ok(line.end >= line.start)
        end = line.end
        if (line.joined === undefined) continue
        assert.ok(
          line.joined.page < line.page && line.joined.start < line.joined.end && line.joined.end <= content.length,
        )
        assert.ok(!content.slice(line.joined.start, line.joined.end).includes('<>'))
      }
      assert.equal(end, content.length)
    }
  })

  it('hold the same words as pages that are not joined', async () => {
    const random = seededRandom(17)
    const letters = (text: string) => text.replaceAll(/[^\p{L}\p{N}]/gu, '')
    const prose = BLOCKS.filter((block) => !/[|<^]/.test(block))
    for (let round = 0; round < 120; round++) {
      const pages = Array.from({ length: 8 }, () =>
        Array.from({ length: random.integer(1, 3) }, () => random.pick(prose)).join('\n\n'),
      )
      const [joined, apart] = [await stitchPages(pages, JOIN), await stitchPages(pages)]
      assert.equal(letters(joined.content), letters(apart.content))
    }
  })
})
